"""Where results lie: one shard file per stretch of a cell's samples, one record per finished cell, named by content."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .measurement import Measurement
from .protocol.cells import Cell
from .protocol.errors import BadInputError
from .protocol.files import claimed, sweep, write_atomically
from .protocol.reading import read_record
from .protocol.records import AnyRecord
from .protocol.tally import Tally

Span = tuple[int, int]


@dataclass(frozen=True)
class Store:
    """A folder with `records/KEY.json` and `shards/KEY/START-STOP.npz`; a key is the digest of a cell's content."""

    root: Path

    @property
    def records(self) -> Path:
        return self.root / "records"

    def record(self, cell: Cell) -> AnyRecord | None:
        """The finished record of a cell, if there is one; raises BadInputError if it cannot be read."""
        path = self._record_path(cell.key)
        if not path.exists():
            return None
        record = read_record(path)
        if record.key != cell.key:
            raise BadInputError(f"record {path} is of another cell, {record.key[:12]}...; remove the file")
        return record

    def save_record(self, record: AnyRecord) -> None:
        write_atomically(self._record_path(record.key), record.to_json().encode())

    def alone_with_record(self, cell: Cell) -> AbstractContextManager[bool]:
        """Wait until no other process makes the record of a cell, and keep it so."""
        return claimed(self._record_path(cell.key), patiently=True)

    def has_shard(self, cell: Cell, span: Span) -> bool:
        return self._shard_path(cell, span).exists()

    def alone_with_shard(self, cell: Cell, span: Span) -> AbstractContextManager[bool]:
        """Whether no other process measures these samples, which then is kept so."""
        return claimed(self._shard_path(cell, span))

    def sweep(self) -> None:
        """Remove what processes that were killed have left behind an hour ago or before."""
        for folder in (self.records, self.root / "shards"):
            sweep(folder)

    def save_shard(self, cell: Cell, span: Span, content: bytes) -> None:
        """Keep a stretch of a cell's samples, as `packed` makes it of a pass."""
        write_atomically(self._shard_path(cell, span), content)

    def copy_shards(self, source: Store) -> None:
        """Take all stretches of samples over from another store that are not here yet."""
        for path in sorted(source.root.glob("shards/*/*.npz")):
            own = self.root / path.relative_to(source.root)
            if not own.exists():
                write_atomically(own, path.read_bytes())

    def shard(self, cell: Cell, span: Span) -> Measurement:
        """A stretch of a cell's samples; raises BadInputError if its file cannot be read."""
        path = self._shard_path(cell, span)
        try:
            # From memory: at a broken archive, np.load leaves the file that it opened open.
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                meta = json.loads(str(file["meta"]))
                part = Measurement(
                    ids=tuple(meta["ids"]),
                    statistics=dict(_starting(file, "statistics.")),
                    losses=dict(_starting(file, "losses.")),
                    gradients=dict(_starting(file, "gradients.")),
                    **{name: meta[name] for name in ("forwards", "backwards", "seconds", "peak_memory_mb")},
                )
                part.tally.merge(Tally(meta["sums"], meta["peaks"]))
                part.signs, part.made = tuple(meta.get("signs", ())), meta.get("made", "")  # not in older shards
                return part
        except Exception as error:  # whatever the parsers of zip, npy and JSON raise at a broken file
            raise BadInputError(f"shard {path} cannot be read ({error}); remove it and run again") from error

    def _record_path(self, key: str) -> Path:
        return self.records / f"{key}.json"

    def _shard_path(self, cell: Cell, span: Span) -> Path:
        return self.root / "shards" / cell.key / f"{span[0]:06d}-{span[1]:06d}.npz"


def _starting(file: np.lib.npyio.NpzFile, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    return ((name.removeprefix(prefix), file[name]) for name in file.files if name.startswith(prefix))


def packed(part: Measurement) -> bytes:
    """The content of the file that keeps a pass over a stretch of samples."""
    meta = {
        "ids": part.ids,
        "forwards": part.forwards,
        "backwards": part.backwards,
        "seconds": part.seconds,
        "peak_memory_mb": part.peak_memory_mb,
        "sums": part.tally.sums,
        "peaks": part.tally.peaks,
        "signs": part.signs,
        "made": part.made,
    }
    arrays = {f"statistics.{task}": value for task, value in part.statistics.items()}
    arrays |= {f"losses.{task}": value for task, value in part.losses.items()}
    arrays |= {f"gradients.{name}": value for name, value in part.gradients.items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, meta=np.array(json.dumps(meta)), **arrays)
    return buffer.getvalue()

"""Records in files that a repository holds: gzipped JSON lines, one file per model."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
from collections.abc import Iterable
from pathlib import Path

from .errors import BadInputError
from .files import write_atomically
from .merging import Found, better
from .reading import read_file
from .records import AnyRecord

PACKED = ".jsonl.gz"


def packed(records: Iterable[AnyRecord]) -> bytes:
    """Records as gzipped JSON lines, sorted by key: the same records give the same bytes."""
    lines = [f"{record.model_dump_json(by_alias=True)}\n" for record in sorted(records, key=lambda record: record.key)]
    buffer = io.BytesIO()
    # With neither name nor time of the file.
    with gzip.GzipFile("", "wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write("".join(lines).encode())
    return buffer.getvalue()


def save_records(records: Iterable[AnyRecord], path: Path) -> None:
    """Write records into one file, sorted by key, a line each: a list in *.json, which shows what has changed.

    Or packed, in *.jsonl.gz. Raises BadInputError for a file of another ending.
    """
    records = sorted(records, key=lambda record: record.key)
    if path.name.endswith(PACKED):
        write_atomically(path, packed(records))
    elif path.suffix == ".json":
        lines = ",\n".join(record.model_dump_json(by_alias=True) for record in records)
        write_atomically(path, f"[\n{lines}\n]\n".encode())
    else:
        raise BadInputError(f"records are saved as *.json or *{PACKED}, not as {path}")


def pack(found: Iterable[Found], folder: Path) -> list[Path]:
    """Add records to the packed files of a folder, each to the one that has its cell, or else to that of its model.

    Returns the files that this changed. Of several records of one cell one is kept, as by `merged`, which also says
    what is refused; then nothing is written.
    """
    there = {
        known.record.key: (path, known) for path in sorted(folder.glob(f"[!.]*{PACKED}")) for known in read_file(path)
    }
    changed = set()
    for new in found:
        path, old = there.get(new.record.key, (folder / file_name(new.record.cell.model.name), new))
        kept = better(old, new)
        if new.record.key not in there or kept is not old:
            there[new.record.key] = path, kept
            changed.add(path)
    contents = {path: packed(known.record for at, known in there.values() if at == path) for path in sorted(changed)}
    for path, content in contents.items():
        write_atomically(path, content)
    return [*contents]


def file_name(model: str) -> str:
    """The file of a model's records: its name, or what is harmless of it with a digest that tells all apart."""
    if re.fullmatch(r"[A-Za-z0-9][\w.-]*", model, re.ASCII):
        return f"{model}{PACKED}"
    harmless = re.sub(r"[^A-Za-z0-9]+", "-", model).strip("-")[:60]
    return f"{harmless}-{hashlib.sha256(model.encode()).hexdigest()[:8]}{PACKED}"

"""What people hand in: a folder, or the one file that `mtrbench submit` makes of it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from pydantic import Field, model_validator

from ..benchmark.protocol.cells import Name, Sha256, Strict
from ..benchmark.protocol.eps import OptionalEps
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.packing import save_records
from ..benchmark.protocol.provenance import Submission, Text
from ..benchmark.protocol.reading import ARCHIVED, read_records
from ..benchmark.protocol.records import AnyRecord
from ..benchmark.protocol.toml import read_toml, validated

MANIFEST = "submission.toml"
IMAGES = "images"
ENDING = ".safetensors"
LARGEST = 50 * 2**20
"""Bytes of a submission in all, unpacked: a repository keeps it for good."""
MANY = 1000
"""Files of a submission, at most."""


class Claim(Strict):
    """What the authors say came of an attack on a model: the value of "ard", or of a task's degradation."""

    model: Name
    attack: Name
    eps: OptionalEps = None
    score: Name = "ard"
    value: float


class Replaced(Strict):
    """An older record that one of the submission's takes the place of, and why."""

    key: Sha256
    reason: Text


class Manifest(Strict):
    """The file submission.toml: who hands in what.

    `attacks` and `models` are called as in the records; `entry` says where the attack or the model comes from, as
    "my_package.attack:Mine", and `card` is the path of a model's card in the folder.
    """

    submission: Submission
    attacks: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    models: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    entry: Text | None = None
    card: Annotated[str, Field(pattern=r"^\w[\w.-]*(/\w[\w.-]*)*$")] | None = None
    claims: Annotated[tuple[Claim, ...], Field(strict=False)] = ()
    supersedes: Annotated[tuple[Replaced, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _check(self) -> Manifest:
        if not self.attacks and not self.models:
            raise ValueError("say which attacks or models are handed in")
        if self.entry is None and self.card is None:
            raise ValueError("say where it comes from: entry, or the card of a model")
        return self


@dataclass(frozen=True)
class Handed:
    """A submission that lies in a folder, with its records; `images` are files of adversarial images by record key."""

    folder: Path
    manifest: Manifest
    records: Sequence[AnyRecord]
    images: dict[str, Path]


@contextmanager
def opened(place: Path) -> Iterator[Handed]:
    """The submission in a folder or in a file of `archived`.

    Raises BadInputError for what cannot be read, names every field that is wrong, and refuses what is too large.
    """
    if place.is_dir():
        yield _read(place)
        return
    with TemporaryDirectory() as folder:
        _unpack(place, Path(folder))
        yield _read(Path(folder))


def archived(handed: Handed, records: Sequence[AnyRecord]) -> bytes:
    """The submission as one file, with these records: the same submission gives the same bytes.

    Raises BadInputError if it is too large.
    """
    with TemporaryDirectory() as passing:
        lines = Path(passing) / ARCHIVED
        save_records(records, lines)
        files = {MANIFEST: handed.folder / MANIFEST, ARCHIVED: lines}
        files |= {f"{IMAGES}/{path.name}": path for path in handed.images.values()}
        if handed.manifest.card:
            # Beside a card lie its weights, and perhaps the network's code.
            card = handed.folder / handed.manifest.card
            beside = sorted(path for path in card.parent.iterdir() if path.suffix in (".toml", ENDING, ".py"))
            files |= {path.relative_to(handed.folder).as_posix(): path for path in beside}
        _check_size(path.stat().st_size for path in files.values())
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(files):
                archive.writestr(zipfile.ZipInfo(name), files[name].read_bytes(), zipfile.ZIP_DEFLATED, 9)
        return buffer.getvalue()


def _read(folder: Path) -> Handed:
    path = folder / MANIFEST
    content = read_toml(path, f"submission {path}")
    about = content.get("submission")
    if isinstance(about, dict) and isinstance(about.get("date"), date):
        about["date"] = about["date"].isoformat()  # TOML has dates, records have texts
    manifest = validated(Manifest, content, f"submission {path}")
    places = [place for place in (folder / "records", folder / ARCHIVED) if place.exists()]
    if not places:
        raise BadInputError(f"submission {folder} has no records; put there what mtrbench run left in OUT/records")
    images = {found.name.removesuffix(ENDING): found for found in sorted((folder / IMAGES).glob(f"*{ENDING}"))}
    return Handed(folder, manifest, read_records(*places), images)


def _unpack(path: Path, folder: Path) -> None:
    """The files of an archive whose names are harmless, below `folder`; raises BadInputError for any other."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            _check_size(part.file_size for part in parts)
            for part in parts:
                target = (folder / part.filename).resolve()
                if part.is_dir() or not target.is_relative_to(folder.resolve()):
                    raise BadInputError(f"submission {path} holds {part.filename!r}, which is no file in it")
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(part) as file:
                    content = file.read(part.file_size + 1)
                if len(content) != part.file_size:
                    raise BadInputError(f"submission {path}: {part.filename!r} is not as large as it says")
                target.write_bytes(content)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, NotImplementedError, ValueError, EOFError) as error:
        if isinstance(error, BadInputError):
            raise
        raise BadInputError(f"submission {path} cannot be unpacked: {error}") from error
    except OSError as error:
        raise BadInputError(f"submission {path} cannot be read: {error.strerror or error}") from error


def _check_size(sizes: Iterator[int]) -> None:
    found = [*sizes]
    if len(found) > MANY:
        raise BadInputError(f"the submission holds {len(found)} files, more than {MANY}")
    if sum(found) > LARGEST:
        raise BadInputError(
            f"the submission holds {sum(found) >> 20} MB, more than {LARGEST >> 20}; leave out images of some cells"
        )

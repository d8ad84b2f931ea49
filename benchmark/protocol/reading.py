"""Records from files: one in each as JSON, or many as a list or as JSON lines, plain or packed with gzip."""

from __future__ import annotations

import codecs
import gc
import gzip
import json
import multiprocessing
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from itertools import compress, count
from pathlib import Path
from typing import IO, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from .errors import BadInputError
from .faults import in_words, placed
from .kept import Kept
from .merging import Found, merged
from .migration import SCHEMA, migrated
from .records import AnyRecord, CleanRecord, Record

ENDINGS = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".zip")
ARCHIVED = "records.jsonl.gz"
"""What holds the records in a submission, a zip file."""
LARGEST = 16 * 2**20
"""Largest accepted record, in bytes: ten kilobytes are usual, and a small gzip file may unpack to gigabytes."""
LARGEST_FILE = 2**30
"""Bytes that a file of records may unpack to: about a hundred thousand records."""
PART = 4 * 2**20
"""Bytes of files that are read, and kept, together: about a thousand records."""
FEWEST_PARTS = 3
"""Parts to read from which on two processes pay for their start."""
REMEDY = "remove it or restore the file"


def record_paths(folder: Path) -> list[Path]:
    """The files of a folder's records, sorted."""
    return sorted(path for path in folder.glob("[!.]*") if path.name.endswith(ENDINGS))


def read_record(path: Path) -> AnyRecord:
    """The only record in a file; raises BadInputError as `read_file` does, and if there are several."""
    found = list(read_file(path))
    if len(found) != 1:
        raise BadInputError(f"{path} holds {len(found)} records; choose one by its key")
    return found[0].record


def read_records(*places: Path, workers: int = 1) -> list[AnyRecord]:
    """Every record in files and folders, each cell once, sorted by key; raises as `read_places` and `merged` do.

    Of many, what was checked is kept in the user's cache for the next time. As far as it pays, what is not there is
    read by `workers`, processes of their own, as their caller's main module must allow.
    """
    with collector_at_rest():
        parts = [(part, Kept.of(part)) for part in _parts(_paths(places))]
        return merged(_sharing(found for part in _each(parts, workers) for found in part))


Part = tuple[Sequence[Path], Kept | None]
"""Files that are read together, and what is kept of them."""


def _parts(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """The files in as few parts as can be, none of which has more than a file beyond PART bytes."""
    part, size = [], 0
    for path in paths:
        part.append(path)
        size += path.stat().st_size if path.exists() else 0
        if size >= PART:
            yield part
            part, size = [], 0
    if part:
        yield part


def _each(parts: Sequence[Part], workers: int) -> Iterator[list[Found]]:
    """The records of every part, in its order."""
    new = [not (kept and kept.is_there()) for _, kept in parts]
    if workers == 1 or sum(new) < FEWEST_PARTS:
        yield from map(_read, parts)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, sum(new)), context, initializer=gc.disable) as pool:
        checked = pool.map(_handed_over, compress(parts, new))
        for part, is_new in zip(parts, new, strict=True):
            found = None
            with suppress(BrokenProcessPool):  # the system has ended one of them: what is left is read here
                found = next(checked, None) if is_new else None
            yield _read(part) if found is None else found


def _read(part: Part) -> list[Found]:
    found = part[1].load() if part[1] else None
    return _checked(part)[0] if found is None else found


def _handed_over(part: Part) -> list[Found] | None:
    """The records of a part, None if they are kept: from there they are taken in faster than through a pipe."""
    found, is_kept = _checked(part)
    return None if is_kept else found


def _checked(part: Part) -> tuple[list[Found], bool]:
    """The records of a part as its files have them, and whether they are kept now."""
    paths, kept = part
    found = list(_sharing(read_places(paths)))
    # Unless somebody has written one of the files meanwhile.
    return found, kept is not None and kept == Kept.of(paths) and kept.save(found)


def _sharing(found: Iterable[Found]) -> Iterator[Found]:
    """The same records; parts that many have in common are there once, which halves the memory."""
    parts = _Parts()
    for one in found:
        record = one.record
        parts.share(record, "model_facts", "task_facts", "clean", "environment", "attack_facts")
        parts.share(record.cell, "model", "dataset", "tasks", "attack", "threat")
        own: tuple[BaseModel, ...] = ()
        if isinstance(record, Record):
            own = record.attack, record.threat, record.degradation
            parts.share(record.diagnostics, "zero_gradient", "gradient_length", "gradient_cosine")
        for part in (record, record.cell, *own):
            parts.share(part, "__pydantic_fields_set__")
        yield one


class _Parts:
    """Parts of records, each by its text: of other numbers than 1 and True, 1 and 1.0, or 0 and -0, it is another."""

    def __init__(self) -> None:
        self.firsts: dict[tuple[str, object], object] = {}
        self.known: set[int] = set()
        self.last: dict[str, tuple[object, object]] = {}

    def share(self, one: object, *names: str) -> None:
        for name in names:
            part = getattr(one, name, None)
            if id(part) in self.known:
                continue
            before, first = self.last.get(name, (self, self))
            if part is not before:  # what many records share already is looked at once
                text = frozenset(part) if isinstance(part, set) else to_json(part)
                first = self.firsts.setdefault((name, text), part)
                self.known.add(id(first))
                self.last[name] = part, first
            if first is not part:
                object.__setattr__(one, name, first)


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Without Python's search for circles of objects: records have none, and it takes two thirds of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read_places(places: Iterable[Path]) -> Iterator[Found]:
    """Every record in these files and folders, with where it stands.

    Raises BadInputError for a place without any, and for a bad record.
    """
    for path in _paths(places):
        yield from read_file(path)


def _paths(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if not place.exists():
            raise BadInputError(f"there are no records at {place}; make some with mtrbench run")
        paths = record_paths(place) if place.is_dir() else [place]
        if not paths:
            endings = ", ".join(f"*{ending}" for ending in ENDINGS)
            raise BadInputError(f"the folder {place} holds no records ({endings}); make some with mtrbench run")
        yield from paths


def read_file(path: Path, beginning: str = "") -> Iterator[Found]:
    """The records of a file, those whose key has this beginning; raises BadInputError naming file, line and field."""
    key = re.compile(rb'"key"\s*:\s*"' + re.escape(beginning.encode()))
    for where, text in _texts(path):
        if beginning and not key.search(text):
            continue
        for place, record in _parsed(where, text):
            if record.key.startswith(beginning):
                yield Found(place, record)


def _texts(path: Path) -> Iterator[tuple[str, bytes]]:
    """What stands for a record in a file, and where: all of it, or each of its lines."""
    if not path.name.endswith(ENDINGS):
        raise BadInputError(f"{path} is no file of records; they end in {', '.join(ENDINGS)}")
    if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for
        raise BadInputError(f"record {path} is no regular file; {REMEDY}")
    lines = ".jsonl" in path.suffixes[-2:] or path.suffix == ".zip"
    total = 0
    try:
        with _opened(path) as file:
            for number in count(1):
                where = f"record {path}, line {number}" if lines else f"record {path}"
                text = file.readline(LARGEST + 1) if lines else file.read(LARGEST + 1)
                if lines and not text and number > 1:
                    return
                if number == 1:
                    text = text.removeprefix(codecs.BOM_UTF8)  # as some editors begin a file
                total += len(text)
                if len(text) > LARGEST:
                    raise BadInputError(f"{where} holds more than {LARGEST >> 20} MB; {REMEDY}")
                if total > LARGEST_FILE:
                    raise BadInputError(f"{where}: the file holds more than {LARGEST_FILE >> 20} MB; split it")
                yield where, text
                if not lines:
                    return
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise BadInputError(f"record {path} cannot be unpacked: {error}; {REMEDY}") from error
    except OSError as error:
        raise BadInputError(f"record {path} cannot be read: {error.strerror}") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file of records, unpacked."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(ARCHIVED) as member, gzip.open(member) as unpacked:
            yield cast(IO[bytes], unpacked)
        return
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        yield cast(IO[bytes], file)


def _parsed(where: str, text: bytes) -> Iterator[Found]:
    """The record that a text is, or those of the list that it is."""
    try:
        content = _content(text)
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{where} is no valid JSON: {error}; {REMEDY}") from error
    if not isinstance(content, list):
        yield Found(where, _validated(where, content, text))
        return
    for number, part in enumerate(content, 1):
        place = f"{where}, number {number}"
        yield Found(place, _validated(place, part, json.dumps(part).encode()))


def _validated(where: str, content: object, text: bytes) -> AnyRecord:
    try:
        if isinstance(content, dict) and content.get("schema") != SCHEMA:
            content = migrated(content)
            text = json.dumps(content, allow_nan=False).encode()
        return _kind(content).model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInputError(f"{where}: {placed(first, 'record')}: {in_words(first)}; {REMEDY}") from error
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{where} is no valid JSON: {error}; {REMEDY}") from error


def _content(text: bytes) -> object:
    """The content of JSON in which no key stands twice in an object, and all numbers are finite; raises ValueError."""
    with suppress(ValueError):
        content = from_json(text, allow_inf_nan=False)
        if _bare(to_json(content)) == _bare(text):  # nothing was lost: as fast as it gets, and true of what we write
            return content
    return json.loads(text.decode(), object_pairs_hook=_no_duplicates, parse_constant=_refused)


def _bare(text: bytes) -> bytes:
    return text.replace(b" ", b"").replace(b"\n", b"")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refused(constant: str) -> object:
    raise ValueError(f"{constant} is no number")


def _kind(content: object) -> type[AnyRecord]:
    cell = content.get("cell") if isinstance(content, dict) else None
    return CleanRecord if isinstance(cell, dict) and cell.get("attack", "") is None else Record

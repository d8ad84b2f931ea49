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
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from .errors import BadInputError
from .faults import in_words, placed
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
PARTS = 4
"""Parts per worker that files are read in."""
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

    With more than one of `workers`, processes of their own read a part of the files each, as their caller's main module
    must allow.
    """
    with _collector_at_rest():
        if workers == 1:
            return merged(_sharing(read_places(places)))
        paths = [*_paths(places)]
        size = -(-len(paths) // (PARTS * workers))
        parts = [paths[first : first + size] for first in range(0, len(paths), size)]
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            return merged(_sharing(found for part in pool.map(_read, parts) for found in part))


def _read(paths: Sequence[Path]) -> list[Found]:
    with _collector_at_rest():
        return list(_sharing(read_places(paths)))


def _sharing(found: Iterable[Found]) -> Iterator[Found]:
    """The same records; what one has in common with the first of its model is there once, which halves the memory."""
    firsts: dict[str, AnyRecord] = {}
    names: dict[frozenset[str], set[str]] = {}
    for one in found:
        record = one.record
        first = firsts.setdefault(record.cell.model.sha256, record)
        _share(record, first, ("model_facts", "task_facts", "clean", "environment"))
        _share(record.cell, first.cell, ("model", "dataset", "tasks"))
        own: tuple[BaseModel, ...] = ()
        if isinstance(record, Record):
            own = record.attack, record.threat, record.degradation
            if isinstance(first, Record):
                of_clean_images = ("zero_gradient", "gradient_length", "gradient_cosine")
                _share(record.diagnostics, first.diagnostics, of_clean_images)
        for part in (record, record.cell, *own):
            there = part.model_fields_set
            object.__setattr__(part, "__pydantic_fields_set__", names.setdefault(frozenset(there), there))
        yield one


def _share(one: object, first: object, fields: Sequence[str]) -> None:
    for name in fields:
        mine, others = getattr(one, name, None), getattr(first, name, None)
        if mine is not others and mine == others:
            object.__setattr__(one, name, others)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
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

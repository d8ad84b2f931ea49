"""Records from files, plain or packed with gzip."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

from pydantic import ValidationError

from .errors import BadInputError
from .migration import migrated
from .records import AnyRecord, CleanRecord, Record

LARGEST = 16 * 2**20
"""Bytes of a record's text above which it is none: ten kilobytes are usual, and little gzip unpacks to much."""


def record_paths(folder: Path) -> list[Path]:
    """The files of a folder's records, sorted."""
    return sorted([*folder.glob("*.json"), *folder.glob("*.json.gz")])


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _kind(content: object) -> type[AnyRecord]:
    cell = content.get("cell") if isinstance(content, dict) else None
    return CleanRecord if isinstance(cell, dict) and cell.get("attack", "") is None else Record


def read_record(path: Path) -> AnyRecord:
    """The record in a JSON file, packed if it ends in `.gz`; raises BadInputError naming the file and the field."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise ValueError(f"it holds more than {LARGEST >> 20} MB")
        content = json.loads(text, object_pairs_hook=_no_duplicates)
        if isinstance(content, dict):
            content = migrated(content)
        return _kind(content).model_validate_json(json.dumps(content, allow_nan=False))
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise BadInputError(f"record {path} cannot be unpacked: {error}; remove the file or restore it") from error
    except OSError as error:
        raise BadInputError(f"record {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "record"
        raise BadInputError(f"record {path}: {where}: {first['msg']}; remove the file or restore it") from error
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"record {path} is no valid JSON: {error}; remove the file or restore it") from error


def read_records(folder: Path) -> list[AnyRecord]:
    """Every record in a folder, sorted by key; raises BadInputError for a folder without any and for a bad record."""
    if not folder.is_dir():
        raise BadInputError(f"there is no folder of records at {folder}; make one with mtrbench run")
    found = record_paths(folder)
    records = [read_record(path) for path in found]
    if not records:
        raise BadInputError(f"the folder {folder} holds no records (*.json or *.json.gz); make some with mtrbench run")
    paths: dict[str, Path] = {}
    for record, path in zip(records, found, strict=True):
        if paths.setdefault(record.key, path) != path:
            raise BadInputError(f"records {paths[record.key]} and {path} are of the same cell; remove one of them")
    return sorted(records, key=lambda record: record.key)

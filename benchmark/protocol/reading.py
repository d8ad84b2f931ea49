"""Records from files."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from .errors import BadInputError
from .records import AnyRecord, CleanRecord, Record


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _kind(content: object) -> type[AnyRecord]:
    cell = content.get("cell") if isinstance(content, dict) else None
    return CleanRecord if isinstance(cell, dict) and cell.get("attack", "") is None else Record


def read_record(path: Path) -> AnyRecord:
    """The record in a JSON file; raises BadInputError naming the file and the field."""
    try:
        content = json.loads(path.read_bytes(), object_pairs_hook=_no_duplicates)
        return _kind(content).model_validate_json(json.dumps(content, allow_nan=False))
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
    records = [read_record(path) for path in sorted(folder.glob("*.json"))]
    if not records:
        raise BadInputError(f"the folder {folder} holds no records (*.json); make some with mtrbench run")
    paths: dict[str, Path] = {}
    for record, path in zip(records, sorted(folder.glob("*.json")), strict=True):
        if paths.setdefault(record.key, path) != path:
            raise BadInputError(f"records {paths[record.key]} and {path} are of the same cell; remove one of them")
    return sorted(records, key=lambda record: record.key)

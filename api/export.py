"""Records as a table for people's own analysis."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.files import write_atomically
from ..benchmark.protocol.records import AnyRecord

TEXTS = ("settings", "tasks")
"""What differs from cell to cell in what it holds stands as JSON, one column for all."""


def row(record: AnyRecord) -> dict[str, Any]:
    """A record's fields by their dotted places, as `degradation.ard.value`, without the replicates; lists are JSON."""
    left_out: dict[str, Any] = {"replicates": True, "degradation": {"replicates"}}
    return dict(_flat(record.model_dump(mode="json", by_alias=True, exclude=left_out)))


def save_parquet(records: Sequence[AnyRecord], path: Path) -> int:
    """Write a row per record into a Parquet file, whole or not at all; returns the number of columns.

    A column that a record has nothing for is null there. Raises BadInputError without pyarrow.
    """
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise BadInputError(f"{path} needs pyarrow to be written: pip install 'mtrbench[parquet]'") from error
    rows = [row(record) for record in records]
    names = dict.fromkeys(name for one in rows for name in one)
    buffer = io.BytesIO()
    parquet.write_table(arrow.table({name: [one.get(name) for one in rows] for name in names}), buffer)
    write_atomically(path, buffer.getvalue())
    return len(names)


def _flat(content: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping) and not (name in TEXTS and place.startswith("cell.")):
            yield from _flat(value, f"{place}{name}.")
        else:
            yield f"{place}{name}", json.dumps(value) if isinstance(value, Mapping | list) else value

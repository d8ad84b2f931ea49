"""Records as a table for analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any, overload

from pydantic import BaseModel

from ..benchmark.protocol.arguments import folder
from ..benchmark.protocol.cells import Cell
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.estimates import Estimate, Replicates
from ..benchmark.protocol.reading import read_records
from ..benchmark.protocol.records import AnyRecord, Record

Row = dict[str, object]

# What stands in the column that is called so: the parts of a degradation have names of their own.
DEGRADATION = {"tasks": "degradation", "metrics": "degradation", "losses": "loss_change"}


@dataclass(frozen=True)
class Records(Sequence[AnyRecord]):
    """Records in the order of their keys."""

    found: tuple[AnyRecord, ...]

    @overload
    def __getitem__(self, place: int) -> AnyRecord: ...

    @overload
    def __getitem__(self, place: slice) -> Records: ...

    def __getitem__(self, place: int | slice) -> AnyRecord | Records:
        return Records(self.found[place]) if isinstance(place, slice) else self.found[place]

    def __len__(self) -> int:
        return len(self.found)

    def __repr__(self) -> str:
        return f"<{len(self)} records>"

    def to_frame(self) -> Any:
        """A pandas frame with a row per record and a column for every score, cost and fact.

        `ard`, `flat`, `worst_task`, `arlc`, `degradation.TASK[.METRIC]`, `loss_change.TASK`, `clean.TASK.METRIC` and
        `attacked.TASK.METRIC` have their 95 % intervals in columns that end in `_low` and `_high`. Beside them stand
        `model`, `attack` and `dataset` (names), `eps` in 1/255, and what is known of each, as `model.adversary`,
        `attack.balancing`, `attack.settings.steps`, `costs.seconds`. What a record lacks is missing: a clean pass has
        no attack. Raises BadInputError if pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise BadInputError("frames need pandas, which is not installed; pip install pandas") from error
        return pandas.DataFrame([row(record) for record in self.found])


def records(place: str | PathLike[str]) -> Records:
    """The records in a folder, as `mtrbench run` leaves them in OUT/records; those of one cell are one.

    Raises BadInputError for a folder without any, and for a bad record.
    """
    return Records(tuple(read_records(folder(place, "the folder of records") or Path())))


def row(record: AnyRecord) -> Row:
    """Everything that a record says, by column, but for the resamples."""
    found: Row = {"key": record.key, **_cell(record.cell)}
    if isinstance(record, Record):
        scores = {name: value for name, value in _parts(record.degradation).items() if name not in DEGRADATION}
        found |= {"complete": record.complete, **_flat("", scores)}
        for part, name in DEGRADATION.items():
            found |= _flat(name, getattr(record.degradation, part))
        named: dict[str, object] = {"model": record.model_facts, "attack": record.attack_facts}
        others = ("clean", "attacked", "costs", "diagnostics", "solver", "environment", "tier", "supersedes")
        named |= {name: getattr(record, name) for name in (*others, "invalidated")}
    else:
        named = {"model": record.model_facts, "clean": record.scores, "environment": record.environment}
    return found | {key: value for name, part in named.items() for key, value in _flat(name, part).items()}


def _cell(cell: Cell) -> Row:
    height, width = cell.dataset.size
    threat = cell.threat
    found: Row = {"model": cell.model.name, "attack": cell.attack and cell.attack.name, "dataset": cell.dataset.name}
    found |= {"images": cell.dataset.images, "height": height, "width": width}
    found |= {"norm": threat and threat.norm, "eps": threat and threat.eps}
    found |= _flat("targets", threat and threat.targets)
    found |= {"seed": cell.seed, "source": cell.source and cell.source.name, "protocol": cell.protocol}
    for name, ref in (
        ("model", cell.model),
        ("source", cell.source),
        ("dataset", cell.dataset),
        ("attack", cell.attack),
    ):
        kept = (
            {key: value for key, value in _parts(ref).items() if key not in ("name", "images", "size")} if ref else {}
        )
        found |= _flat(name, kept)
    return found | _flat("task", cell.tasks)


def _flat(name: str, value: object) -> Row:
    """A value under its column, nested ones with dots between their names, lists as text with commas."""
    if isinstance(value, Estimate):
        return {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
    if isinstance(value, Replicates):
        return {}
    if isinstance(value, BaseModel) or is_dataclass(value):
        value = _parts(value)
    if isinstance(value, Mapping):
        inner = ((f"{name}.{key}" if name else str(key), part) for key, part in value.items() if key != "replicates")
        return {column: cell for key, part in inner for column, cell in _flat(key, part).items()}
    if isinstance(value, tuple | list):
        return {name: ", ".join(map(str, value))}
    return {name: value}


def _parts(content: object) -> dict[str, object]:
    """The fields of a model or data class."""
    if is_dataclass(content):
        return {field.name: getattr(content, field.name) for field in fields(content)}
    return dict(content) if isinstance(content, BaseModel) else {}

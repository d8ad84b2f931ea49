"""Every record in a row of its own: what was measured, what came of it, and the command that measures it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...benchmark.protocol.records import Record
from ..analysis.group import Group
from ..analysis.labels import Name
from .metric_columns import metric_columns
from .record_columns import record_columns
from .table import Board, Column, Value
from .values import ard_of, of_record

RECORDS = "records"
"""The name of the file."""


def record_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group with all of its records; too long for a page."""
    return [_board(group) for group in groups]


def _board(group: Group) -> Board:
    own: list[Column[Record]] = record_columns(lambda record: record)
    columns: list[Column[Record]] = [
        Column("model", "model", lambda record: Name(record.cell.model.name)),
        Column("source", "made on", lambda record: Name(record.cell.source.name) if record.cell.source else None),
        Column("attack", "attack", lambda record: Name(record.attack.name)),
        Column("ard", "ARD [95 %]", lambda record: ard_of(record), "interval"),
        *(Column(f"d_{task}", task, _damage(task), "interval") for task in group.setting.tasks),
        *metric_columns(group, lambda record: record.attacked, everything=False),
        Column("tier", "tier", lambda record: record.tier),
        *own,
    ]
    return Board.of(RECORDS, group.title, "", group.setting.scope, columns, _ordered(group))


def _ordered(group: Group) -> list[Record]:
    """By model and attack as boards show them, then the transfers."""
    pairs = [(model, attack) for model in group.models for attack in group.attacks]
    own = [group.records[pair] for pair in pairs if pair in group.records]
    return [*own, *(group.transfers[found] for found in sorted(group.transfers))]


def _damage(task: str) -> Callable[[Record], Value]:
    return lambda record: of_record(record, lambda found: found.degradation.tasks[task])

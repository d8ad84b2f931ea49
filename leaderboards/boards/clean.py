"""The board of clean scores: every metric of every model, without attack."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.group import Group
from ..analysis.labels import Name
from .metric_columns import metric_columns
from .notes import common_notes
from .table import Board, Column


def clean_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group."""
    return [_board(group) for group in groups]


def _board(group: Group) -> Board:
    columns: list[Column[str]] = [
        Column("model", "model", Name),
        *metric_columns(group, lambda model: group.any_record(model).clean, everything=True),
    ]
    note = " ".join(["Without attack.", *common_notes(group)])
    return Board.of("clean", f"Clean scores: {group.title}", note, group.setting.scope, columns, group.models)

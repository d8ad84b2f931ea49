"""The board of every attack on every model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..analysis.group import Group
from ..analysis.labels import Name
from .notes import common_notes
from .table import Board, Column, Value
from .values import ard_of


def models_attacks_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group with the ARD of every model under every attack."""
    return [_board(group) for group in groups]


def _board(group: Group) -> Board:
    columns: list[Column[str]] = [
        Column("attack", "attack", Name),
        *(Column(f"ard:{model}", f"`{model}`", _ard(group, model), "interval") for model in group.models),
    ]
    note = " ".join(["ARD [95 %].", *common_notes(group)])
    title = f"Every attack on every model: {group.title}"
    return Board.of("models-attacks", title, note, group.setting.scope, columns, group.attacks)


def _ard(group: Group, model: str) -> Callable[[str], Value]:
    return lambda attack: ard_of(group.records.get((model, attack)))

"""The board of balancings by sets of losses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ...benchmark.protocol.records import Degradation
from ..analysis.group import Group
from ..analysis.labels import Name, without_losses
from .notes import common_notes
from .table import Board, Column


@dataclass(frozen=True)
class Row:
    """An attack but for its losses, these, and what it does; `status` says why there is no `degradation`."""

    attack: str
    losses: str
    degradation: Degradation | None
    status: str | None

    @property
    def ard(self) -> float:
        value = self.degradation.ard.value if self.degradation else None
        return float("-inf") if value is None else value


COLUMNS: tuple[Column[Row], ...] = (
    Column("attack", "attack", lambda row: Name(row.attack)),
    Column("losses", "losses", lambda row: row.losses),
    Column(
        "ard",
        "ARD [95 %]",
        lambda row: row.degradation.ard if row.degradation else row.status,
        "interval",
        marks_highest=True,
    ),
    Column(
        "worst_task",
        "least hit task",
        lambda row: row.degradation.worst_task if row.degradation else None,
        "interval",
        marks_highest=True,
    ),
    Column(
        "arlc", "ARLC", lambda row: row.degradation.arlc if row.degradation else None, "interval", marks_highest=True
    ),
    Column(
        "least_loss",
        "least loss change",
        lambda row: row.degradation.least_loss if row.degradation else None,
        "interval",
        marks_highest=True,
    ),
)


def losses_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group and model, of the attacks that occur with several sets of losses, the strongest first."""
    boards = []
    for group in groups:
        bases = {attack: without_losses(attack, group.attack_facts(attack).losses) for attack in group.attacks}
        counts = Counter(bases.values())
        shown = {attack: base for attack, base in bases.items() if counts[base] > 1}
        boards += [_board(group, model, shown) for model in group.models if shown]
    return boards


def _board(group: Group, model: str, bases: dict[str, str]) -> Board:
    rows = []
    for attack, base in bases.items():
        record = group.complete(model, attack)
        losses = group.attack_facts(attack).losses
        rows.append(Row(base, losses, record.degradation if record else None, group.status(model, attack)))
    rows.sort(key=lambda row: (-row.ard, row.attack, row.losses))
    note = " ".join(["Bold is the highest of its column.", *common_notes(group)])
    scope = (*group.setting.scope, ("model", model))
    return Board.of("losses", f"{model}: {group.title}", note, scope, COLUMNS, rows)

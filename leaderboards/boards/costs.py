"""What damage costs: the best attack for every number of backward passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...benchmark.stats import Bootstrapped
from ..analysis.group import Group
from ..analysis.labels import Name
from ..analysis.ranking import is_above
from ..analysis.strength import attack_ards
from ..analysis.trainings import models_label
from .notes import common_notes, listed
from .table import Board, Column

NOTE = (
    "Cheapest first: each attack does more damage than all that need no more backward passes per image; the others are "
    "left out. Surely: the 95 % interval of the paired difference to the row above lies above 0."
)


def cost_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group and training: the attacks that none of the same or less cost outdoes."""
    return [board for group in groups for part in group.parts if (board := _board(part)).rows]


@dataclass(frozen=True)
class Row:
    """An attack that none of the same or less cost outdoes; `above` is the next cheaper one's score."""

    attack: str
    backwards: float
    forwards: float
    score: Bootstrapped
    above: Bootstrapped | None

    @property
    def surely(self) -> str | None:
        """Whether it does significantly more damage than the row above."""
        if self.above is None:
            return None
        return "yes" if is_above(self.score, self.above) else "no"


COLUMNS: tuple[Column[Row], ...] = (
    Column("backwards", "bwd", lambda row: row.backwards, "count"),
    Column("forwards", "fwd", lambda row: row.forwards, "count"),
    Column("attack", "attack", lambda row: Name(row.attack)),
    Column("ard", "ARD [95 %]", lambda row: row.score.estimate(), "interval"),
    Column("surely_above", "surely\nmore", lambda row: row.surely),
)


def _board(group: Group) -> Board:
    training = group.training(group.models[0])
    note = " ".join([NOTE, f"Models: {listed(group.core.models)}.", *common_notes(group)])
    title = f"Damage by cost on {models_label(training)}: {group.title}"
    scope = (*group.setting.scope, ("training", training))
    return Board.of("costs", title, note, scope, COLUMNS, _rows(group))


def _rows(group: Group) -> list[Row]:
    """The cheapest first, each with more damage than all before it."""
    scores = {attack: score for attack, score in group.once(attack_ards).items() if not group.is_control(attack)}
    costs = {attack: _cost(group, attack) for attack in scores}
    rows: list[Row] = []
    for attack in sorted(scores, key=lambda attack: (costs[attack][0], -scores[attack].value, attack)):
        above = rows[-1].score if rows else None
        if above is None or scores[attack].value > above.value:
            rows.append(Row(attack, *costs[attack], scores[attack], above))
    return rows


def _cost(group: Group, attack: str) -> tuple[float, float]:
    """Backward and forward passes per image, the mean over the models."""
    costs = [group.records[model, attack].costs for model in group.core.models]
    return sum(cost.backwards for cost in costs) / len(costs), sum(cost.forwards for cost in costs) / len(costs)

"""What damage costs: the best attack for every number of backward passes."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.attack_kinds import is_control
from ..analysis.groups import Group, models_label
from ..analysis.labels import Name
from ..analysis.ranking import is_above
from ..analysis.strength import attack_ards
from .notes import common_notes, listed
from .table import Board, Cell, Column

NOTE = (
    "Cheapest first: each attack does more damage than all that need no more backward passes per image; the others are "
    "left out. Surely: the 95 % interval of the paired difference to the row above lies above 0."
)


def cost_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group and training: the attacks that none of the same or less cost outdoes."""
    return [board for group in groups for part in group.parts if (board := _board(part)).rows]


def _board(group: Group) -> Board:
    scores = {attack: score for attack, score in attack_ards(group).items() if not is_control(attack)}
    costs = {attack: _cost(group, attack) for attack in scores}
    rows: list[tuple[Cell, ...]] = []
    last = ""
    for attack in sorted(scores, key=lambda attack: (costs[attack][0], -scores[attack].value, attack)):
        if not last or scores[attack].value > scores[last].value:
            surely = ("yes" if is_above(scores[attack], scores[last]) else "no") if last else None
            backwards, forwards = costs[attack]
            rows.append((backwards, forwards, Name(attack), scores[attack].estimate(), surely))
            last = attack
    columns = (
        Column("backwards", "bwd", "count"),
        Column("forwards", "fwd", "count"),
        Column("attack", "attack"),
        Column("ard", "ARD [95 %]", "interval"),
        Column("surely_above", "surely\nmore"),
    )
    training = group.training(group.models[0])
    note = " ".join([NOTE, f"Models: {listed(group.models)}.", *common_notes(group)])
    title = f"Damage by cost on {models_label(training)}: {group.title}"
    return Board("costs", title, note, (*group.setting.scope, ("training", training)), columns, tuple(rows))


def _cost(group: Group, attack: str) -> tuple[float, float]:
    """Backward and forward passes per image, the mean over the models."""
    costs = [group.records[model, attack].costs for model in group.models]
    return sum(cost.backwards for cost in costs) / len(costs), sum(cost.forwards for cost in costs) / len(costs)

"""The strongest attacks side by side on the models of every training."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...benchmark.protocol.facts import UNKNOWN
from ...benchmark.stats import Bootstrapped
from ..analysis.group import Group
from ..analysis.names import named
from ..analysis.strength import attack_ards
from ..analysis.trainings import CLEAN, training_label
from .table import Board, Column, Value


def strongest_board(group: Group) -> Board:
    """Mean ARD of every attack that is no control on the models of each training, the strongest on average first.

    Attacks are ordered by their mean place over the trainings, as hardened models would else not count at all; one
    without a number for each of them is left out.
    """
    by_training = {part.training(part.models[0]): part.once(attack_ards) for part in group.parts}
    attacks = [attack for attack in group.attacked if all(attack in found for found in by_training.values())]
    places = [sorted(attacks, key=lambda attack: -found[attack].value).index for found in by_training.values()]
    columns: list[Column[str]] = [
        Column("attack", "attack", lambda attack: named(group, attack), names_of="attack"),
        *(
            Column(f"ard:{training}", _title(training), _estimate(found), "interval", draws=True)
            for training, found in by_training.items()
        ),
    ]
    ordered = sorted(attacks, key=lambda attack: (sum(place(attack) for place in places), attack))
    note = "Ordered by the mean of their places over the trainings." if len(places) > 1 else ""
    return Board.of("strongest", f"Strongest attacks: {group.title}", note, group.setting.scope, columns, ordered)


def _title(training: str) -> str:
    return training_label(training) if training in (CLEAN, UNKNOWN) else f"trained against\n`{training}`"


def _estimate(found: Mapping[str, Bootstrapped]) -> Callable[[str], Value]:
    return lambda attack: found[attack].estimate()

"""Does sharing hurt? The two ends of sharing, on every data set and after every training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from .families import Family, families
from .group import Group
from .headline import headline_attack
from .labels import Name
from .sharing import Ends, ends


@dataclass(frozen=True)
class Answer:
    """How far the fully shared models of a family fall under an attack, over how far its independent ones do."""

    group: Group
    family: Family
    attack: Name
    ends: Ends


def answers(groups: Sequence[Group]) -> list[Answer]:
    """An answer per data set and training, where both ends of sharing were attacked.

    Of the groups of a data set that have both, that with the most models counts, and of several the one with the most
    records. The attack is the same everywhere: the headline's of the group with the fewest attacks, which the others
    have as a rule; one without it has no answer. The data set with the largest images comes first, so that
    photographs stand before small rendered scenes.
    """
    by_dataset: dict[str, list[Group]] = {}
    for group in groups:
        if headline_attack(group) and any(family.shared and family.independent for family in families(group)):
            by_dataset.setdefault(group.setting.dataset, []).append(group)
    chosen = [max(parts, key=lambda part: (len(part.models), len(part.records))) for parts in by_dataset.values()]
    chosen.sort(key=lambda part: prod(part.setting.size), reverse=True)
    attack = headline_attack(min(chosen, key=lambda group: len(group.attacks))) if chosen else None
    return [
        Answer(group, family, Name(attack), found)
        for group in chosen
        for family in families(group)
        if attack in group.attacked and (found := ends(group, family, attack))
    ]

"""Does sharing hurt? The two ends of sharing, on every data set and after every training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...benchmark.stats import Bootstrapped
from .families import Family, families
from .group import Group
from .headline import headline_attack
from .labels import Name
from .sharing import damages, ends_by_task, pairings, shared_to_independent


@dataclass(frozen=True)
class Answer:
    """How far the fully shared models of a family fall under an attack, over how far its independent ones do.

    `ratio` is that of the ARD, `by_task` of every task's D, `pairings` that of every two seeds.
    """

    group: Group
    family: Family
    attack: Name
    ratio: Bootstrapped
    by_task: Mapping[str, Bootstrapped | None]
    pairings: tuple[float, ...]


def answers(groups: Sequence[Group]) -> list[Answer]:
    """An answer per data set and training, where both ends of sharing were attacked.

    Of each data set the group with the most models counts, and of several the one with the most records. The attack is
    the same everywhere: the headline's of the group with the fewest attacks, so that all have it.
    """
    by_dataset: dict[str, list[Group]] = {}
    for group in groups:
        by_dataset.setdefault(group.setting.dataset, []).append(group)
    chosen = [max(parts, key=lambda part: (len(part.models), len(part.records))) for parts in by_dataset.values()]
    attack = headline_attack(min(chosen, key=lambda group: len(group.attacks))) if chosen else None
    return [found for group in chosen for family in families(group) if (found := _answer(group, family, attack))]


def _answer(group: Group, family: Family, attack: str | None) -> Answer | None:
    if attack not in group.attacked:
        return None
    scores = damages(group, family, attack)
    ratio = shared_to_independent(family, scores)
    if ratio is None:
        return None
    by_task = ends_by_task(group, family, attack)
    return Answer(group, family, Name(attack), ratio, by_task, tuple(pairings(family, scores)))

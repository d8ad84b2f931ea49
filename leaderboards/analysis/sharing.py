"""What sharing does to a family of models: clean gain, damage, and how both go with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ...benchmark.stats import Bootstrapped, mean
from .correlation import Correlation, rank_correlation
from .families import Family, families
from .gain import gain_over
from .group import Group
from .scores import ratio, task_scores

FEWEST = 3
"""Fewest layouts of one family that make a trade-off."""


def clean_gains(group: Group, family: Family) -> dict[str, Bootstrapped]:
    """The clean gain of a family's models over the mean of its independent ones."""
    return gain_over(group, family.models, family.independent)


def damages(group: Group, family: Family, attack: str) -> dict[str, Bootstrapped]:
    """The ARD of a family's models under an attack, those with a complete record."""
    return {model: score for model in family.models if (score := group.ard(model, attack))}


def correlation(family: Family, scores: Mapping[str, Bootstrapped]) -> Correlation | None:
    """How the scores of a family's models go with sharing, over its layouts."""
    return rank_correlation(*family.by_layout(scores))


def shown_families(group: Group) -> list[Family]:
    """The families with enough layouts for a trade-off."""
    return [family for family in families(group) if len(family.layouts) >= FEWEST]


Effect = Literal["hurts", "protects", "unsure"]


@dataclass(frozen=True)
class Ends:
    """Damage to the fully shared models of a family over damage to its independent ones, under one attack.

    `ratio` is that of their mean ARD, `by_task` of their mean D_t by task, undefined where the independent ones take no
    damage; `pairings` are the ratios of every two models that have one, from the smallest.
    """

    ratio: Bootstrapped
    by_task: Mapping[str, Bootstrapped]
    pairings: tuple[float, ...]

    @property
    def effect(self) -> Effect:
        """What sharing does, as far as its interval over images tells."""
        found = self.ratio.estimate()
        if found.low is None or found.high is None:
            return "unsure"
        return "hurts" if found.low > 1 else "protects" if found.high < 1 else "unsure"


def ends(group: Group, family: Family, attack: str) -> Ends | None:
    """The two ends of sharing, over the models with a complete record; None if one of the ends has none."""
    known = damages(group, family, attack)
    shared, independent = ([of for of in end if of in known] for end in (family.shared, family.independent))
    if not shared or not independent:
        return None
    models = [*shared, *independent]

    def over(scores: Mapping[str, Bootstrapped]) -> Bootstrapped:
        return ratio(mean([scores[of] for of in shared]), mean([scores[of] for of in independent]))

    def of_task(task: str) -> dict[str, Bootstrapped]:
        return dict(zip(models, task_scores([(group.records[of, attack], task) for of in models]), strict=True))

    pairings = sorted(known[a].value / known[b].value for a in shared for b in independent if known[b].value > 0)
    return Ends(over(known), {task: over(of_task(task)) for task in group.setting.tasks}, tuple(pairings))

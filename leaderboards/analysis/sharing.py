"""What sharing does to a family of models: clean gain, damage, and how both go with it."""

from __future__ import annotations

from collections.abc import Mapping

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


def shared_to_independent(family: Family, scores: Mapping[str, Bootstrapped]) -> Bootstrapped | None:
    """The mean score of the fully shared models over that of the independent ones, None without one of them."""
    shared, independent = _ends(family, scores)
    return ratio(mean(shared), mean(independent)) if shared and independent else None


def ends_by_task(group: Group, family: Family, attack: str) -> dict[str, Bootstrapped | None]:
    """The same for D of every task under an attack, over the models with a complete record."""
    known = damages(group, family, attack)
    models = [model for model in (*family.shared, *family.independent) if model in known]
    records = [group.records[model, attack] for model in models]
    return {
        task: shared_to_independent(family, dict(zip(models, task_scores([(of, task) for of in records]), strict=True)))
        for task in group.setting.tasks
    }


def pairings(family: Family, scores: Mapping[str, Bootstrapped]) -> list[float]:
    """The score of every fully shared model over that of every independent one, from the smallest."""
    shared, independent = _ends(family, scores)
    return sorted(one.value / other.value for one in shared for other in independent if other.value > 0)


def _ends(family: Family, scores: Mapping[str, Bootstrapped]) -> tuple[list[Bootstrapped], list[Bootstrapped]]:
    shared, independent = (
        [scores[model] for model in models if model in scores] for models in (family.shared, family.independent)
    )
    return shared, independent

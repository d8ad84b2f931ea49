"""What sharing does to a family of models: clean gain, damage, and how both go with it."""

from __future__ import annotations

from collections.abc import Mapping

from ...benchmark.stats import Bootstrapped
from .correlation import Correlation, rank_correlation
from .families import Family, families
from .gain import gain_over
from .group import Group

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

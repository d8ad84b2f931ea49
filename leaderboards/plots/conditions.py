"""When a picture is worth drawing."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.group import Group
from ..analysis.groups import headline

FEWEST = 3
"""Fewest attacks that make a picture; a group with fewer is shown by a sweep over budgets."""


def has_several_attacks(group: Group) -> bool:
    """Whether a group has attacks enough for a picture of its own, controls aside."""
    return len(group.attacked) >= FEWEST


def is_worth_a_picture(group: Group, groups: Sequence[Group]) -> bool:
    """Whether a group has several attacks or is the one with the most records."""
    return has_several_attacks(group) or group is headline(groups)

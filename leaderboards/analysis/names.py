"""Names of attacks with what a reader must know of their kind."""

from __future__ import annotations

from .group import Group
from .labels import Name

CONTROL = "control"
BLACK_BOX = "black box"
REMARKED = (CONTROL, BLACK_BOX)
"""The kinds of attacks that stand beside their names: the one knows nothing, the other asks for losses only."""


def named(group: Group, attack: str) -> Name:
    """An attack of the group by name, with its kind if that is remarkable."""
    kind = group.attack_facts(attack).kind
    return Name(attack, kind if kind in REMARKED else "")

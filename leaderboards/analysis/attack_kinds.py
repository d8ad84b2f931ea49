"""What kind of attack a label stands for: one of the model's own gradients, a black box, or a control."""

from __future__ import annotations

import re

from .labels import Name, name_of

CONTROL = "control"
BLACK_BOX = "black box"

CONTROLS = ("noise",)
"""Attacks without any knowledge, which every attack must beat: shown, never ranked."""

BLACK_BOXES = ("square",)
"""Attacks that ask for losses only, never for a gradient: whoever has the gradients should do better."""


def named(attack: str) -> Name:
    """An attack's name with what a reader must know of its kind."""
    return Name(attack, CONTROL if is_control(attack) else BLACK_BOX if is_black_box(attack) else "")


def is_control(attack: str) -> bool:
    """Whether a label stands for a control, whatever its argument and settings."""
    return _stem(attack) in CONTROLS


def is_black_box(attack: str) -> bool:
    """Whether a label stands for a black-box attack, whatever its argument and settings."""
    return _stem(attack) in BLACK_BOXES


def _stem(attack: str) -> str:
    return re.split(r"@|:", name_of(attack))[0]

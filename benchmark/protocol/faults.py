"""What is wrong with data that a schema refuses, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from .plain import one_line, steering_in


def first_fault(error: ValidationError) -> str:
    """The first fault without its place."""
    return in_words(error.errors()[0])


def in_words(fault: Mapping[str, Any]) -> str:
    """A fault of `ValidationError.errors()`, on one line and without its place."""
    found = steering_in(fault["input"]) if isinstance(fault["input"], str) else None
    if fault["type"] == "string_pattern_mismatch" and found is not None:
        return f"{found} steers terminals or the direction of text; leave it out"
    return one_line(fault["msg"].removeprefix("Value error, "))


def placed(fault: Mapping[str, Any], default: str = "") -> str:
    """The field of a fault with dots, `default` for the whole."""
    return one_line(".".join(part for part in map(str, fault["loc"]) if part != "[key]")) or default

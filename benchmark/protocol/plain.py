"""Text that people see: nothing in it may steer a terminal, or turn the direction in which it is read."""

from __future__ import annotations

import re

STEERING = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Controls (C0, DEL, C1), ends of lines and of paragraphs, and marks of direction, as in the brackets of a pattern."""

# Halves of surrogate pairs, too, which no console can show.
_STEERING = re.compile(rf"[{STEERING}\ud800-\udfff]")


def harmless(text: str, but: str = "") -> str:
    r"""The text with what steers a terminal written out, `\x1b` for an escape, all `but` these characters."""
    return _STEERING.sub(lambda found: found[0] if found[0] in but else _written_out(found[0]), text)


def steering_in(text: str) -> str | None:
    """The first character of a text that steers, written out."""
    found = _STEERING.search(text)
    return found and _written_out(found[0])


def one_line(text: str) -> str:
    """The text without line breaks, and harmless."""
    return harmless(" ".join(text.split()))


def _written_out(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

"""The one error that a user's mistake raises."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class BadInputError(ValueError):
    """Something the user gave is wrong; the message is one line: what, where, what to do.

    The command line prints the message alone and exits with code 2.
    """


def unknown(kind: str, name: str, known: Iterable[str]) -> BadInputError:
    """The error for a `name` that is not among the `known` ones, with the nearest of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
    return BadInputError(f"unknown {kind} {name!r}; {hint}")

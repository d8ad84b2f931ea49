"""Which format a data set lies in: recognised by what is there, or named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...protocol.errors import BadInputError, unknown
from .source import Source, visible

FEW = 8
"""How much of an unknown folder is named."""


@dataclass(frozen=True)
class Format:
    """One way of laying a data set out in a folder.

    It is recognised by `signs`, paths below the folder (globs), if there is something at each. `looks` says them in
    words; `lacks` says of a task whose truth the format has not what to do about it. `open` gives the samples of a
    split with so many classes, one of `classes`; it raises BadInputError for whatever the folder lacks as a whole.
    """

    name: str
    looks: str
    signs: tuple[str, ...]
    classes: tuple[int, ...]
    open: Callable[[Path, str, int], Source]
    lacks: Mapping[str, str] = field(default_factory=dict)

    def there(self, root: Path) -> bool:
        """Whether the folder looks like it."""
        return all(any(root.glob(sign)) for sign in self.signs)


def recognised(dataset: str, root: Path, formats: Sequence[Format], asked: str | None = None) -> Format:
    """The format in which `dataset` lies in the folder `root`, or the one called `asked`.

    Raises BadInputError, which says what was found and which formats there are, if it is none of them or several.
    """
    by_name = {one.name: one for one in formats}
    if asked is not None:
        if asked not in by_name:
            raise unknown(f"format of data set {dataset}", asked, by_name)
        return by_name[asked]
    there = [one for one in formats if one.there(root)]
    if len(there) > 1:
        names = " and ".join(one.name for one in there)
        raise BadInputError(f"data root {root} looks like the formats {names} of {dataset}; say which by --format")
    if not there:
        known = "; ".join(f"{one.name}: {one.looks}" for one in formats)
        raise BadInputError(f"data root {root} has no known layout of {dataset}: found {_found(root)}; known: {known}")
    return there[0]


def _found(root: Path) -> str:
    names = [f"{path.name}/" if path.is_dir() else path.name for path in visible(root)]
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return f"{', '.join(names[:FEW])}{more}" if names else "nothing"

"""Names to objects: lazy tables, what installed packages add to them, and references wherever a name goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from .errors import BadInputError, unknown
from .files import at_home
from .notices import notice
from .references import Reference, misspelt

T = TypeVar("T")
U = TypeVar("U")

ALIKE = 0.75
"""From here on, as `difflib` measures, what leads nowhere is taken for a name misspelt."""
DATA = ".toml"
"""What ends so is no code, but the path of a card or a suite."""


def _anything(name: str) -> str | None:
    return None


@dataclass(frozen=True)
class Registry(Generic[T]):
    """A table from names to objects of one kind, which are imported only when they are asked for.

    `entries` are the package's own: references `pkg.module:object`, or paths of TOML files. Installed packages add
    theirs through the entry-point group `group`. A plug-in whose name is taken, or for which `refuses(name)` gives a
    reason, is left out, which costs one line on stderr. `check(object, name)` returns what the object is, or raises
    BadInputError. `kind` is what messages call an entry.
    """

    kind: str
    entries: Mapping[str, str]
    check: Callable[[object, str], T]
    group: str | None = None
    refuses: Callable[[str], str | None] = _anything
    _known: dict[str, T] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __iter__(self) -> Iterator[str]:
        yield from self.entries
        yield from self.plugins

    def __contains__(self, name: object) -> bool:
        return name in self.entries or name in self.plugins

    def __len__(self) -> int:
        return len(self.entries) + len(self.plugins)

    @cached_property
    def plugins(self) -> Mapping[str, EntryPoint]:
        """What installed packages add, by name; of several with one name, the first by its module's name."""
        found: dict[str, EntryPoint] = {}
        points = entry_points(group=self.group) if self.group else ()
        for point in sorted(points, key=lambda one: (one.name, one.value)):
            reason = self._refusal(point, found)
            if reason is None:
                found[point.name] = point
            else:
                notice(f"{self.kind} {point.name!r} ({_origin(point)}) is left out: {reason}")
        return found

    def get(self, name: str) -> T:
        """The object that `name` stands for: a registered name, `pkg.module:object`, `./file.py:Object`, `./file.toml`.

        Raises BadInputError for an unknown name (with the nearest ones), for code that cannot be imported, and for an
        object of another kind.
        """
        if name not in self:  # what a reference leads to may be edited
            return self.check(self._found(name), name)
        if name not in self._known:
            self._known[name] = self.check(self._found(name), name)
        return self._known[name]

    def working(self) -> Iterator[tuple[str, T]]:
        """All names with their objects; a plug-in that fails costs a line on stderr and itself."""
        yield from ((name, self.get(name)) for name in self.entries)
        yield from self.working_plugins(self.get)

    def working_names(self) -> Iterator[str]:
        """The same without the objects, so that none but the plug-ins is imported."""
        yield from self.entries
        yield from (name for name, _ in self.working_plugins(self.get))

    def working_plugins(self, find: Callable[[str], U]) -> Iterator[tuple[str, U]]:
        """The names of plug-ins with what `find` finds; one that it refuses costs a line on stderr and itself."""
        for name, point in self.plugins.items():
            try:
                found = find(name)
            except BadInputError as error:
                notice(f"{self.kind} {name!r} ({_origin(point)}) is left out: {error}")
            else:
                yield name, found

    def _found(self, name: str) -> object:
        if name in self.entries:
            return import_object(self.entries[name], self.kind)
        if name in self.plugins:
            return import_object(self.plugins[name].value, self.kind)
        reference = Reference.parse(name)
        if reference and get_close_matches(reference.place, self, cutoff=ALIKE) and not reference.leads_somewhere:
            raise unknown(self.kind, reference.place, self)
        if reference or name.endswith(DATA):
            return import_object(name, self.kind)
        raise misspelt(name, self.kind) or unknown(self.kind, name, self)

    def fault_of(self, name: str) -> str | None:
        """Why a new entry cannot be called so; None if it can."""
        if not re.fullmatch(r"[^\W_][\w.-]{0,99}", name):
            return "a name has letters, digits, - . and _, and begins with a letter or digit"
        if name in self.entries:
            return "the name is taken"
        return self.refuses(name)

    def _refusal(self, point: EntryPoint, found: Mapping[str, EntryPoint]) -> str | None:
        if point.name in found:
            return f"the name is taken by {_origin(found[point.name])}; uninstall one of them"
        fault = self.fault_of(point.name)
        return fault and f"{fault}; rename the entry point in the group {self.group}"


def import_object(target: str, kind: str) -> object:
    """What a reference leads to, or the path of a TOML file; raises BadInputError, which calls it a `kind`."""
    if target.endswith(DATA):
        return at_home(target)
    # An entry point may name extras behind its object, which are nobody's business any more.
    reference = Reference.parse(re.sub(r"\s*\[.*\]\s*$", "", target))
    if reference is None:
        raise BadInputError(f"{kind} {target!r} names no object; write pkg.module:object")
    return reference.load(kind)


def _origin(point: EntryPoint) -> str:
    package = f" of {point.dist.name}" if point.dist else ""
    return f"entry point {point.value}{package}"

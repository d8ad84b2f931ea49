"""What stands in a suite's lists of models and attacks: names, and selectors that choose among all that is registered.

    name          itself, registered or not                       total-pgd, my_package:MyAttack
    pattern       all whose full name it is, `*` being any text   *-pgd, single:*-apgd, rooms3-*
    @kind         all attacks of a kind                           @black box, @control
    !selector     takes out what is in the list so far            !*-vmi, !@control

A pattern may end in losses and settings, as a name may (`*-pgd@aligned`, `*-vmi[neighbours=2]`); it then chooses
products alone, which are sure to take them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from ..protocol.errors import BadInputError, unknown

# Losses and settings begin at the first of these characters.
PATTERN = re.compile(r"(?P<name>[^@\[]*\*[^@\[]*)(?P<rest>.*)")


def _no_kind(name: str) -> str | None:
    return None


@dataclass(frozen=True)
class Registered:
    """All that selectors may choose: `names` in full and in order; `kind_of` tells any name's kind, one of `kinds`."""

    what: str
    names: Sequence[str]
    kinds: Collection[str] = ()
    kind_of: Callable[[str], str | None] = _no_kind

    def select(self, entries: Iterable[str]) -> list[str]:
        """The names that `entries` stand for, each once, in the order of the entries and then of what is registered.

        Raises BadInputError, with all entries that stand for nothing.
        """
        names, faults = self.selected(entries)
        if faults:
            raise BadInputError("; ".join(faults))
        return names

    def selected(self, entries: Iterable[str]) -> tuple[list[str], list[str]]:
        """What `select` gives, as far as it goes, and a line about every entry that stands for nothing."""
        found: dict[str, None] = {}
        faults = []
        for entry in entries:
            exclusion = entry.startswith("!")
            try:
                chosen = self._taken_out(entry[1:], [*found]) if exclusion else self._chosen(entry)
                if not chosen:
                    among = "in the list before it" if exclusion else "that is registered"
                    raise BadInputError(f"{entry!r} stands for no {self.what} {among}")
            except BadInputError as error:
                faults.append(str(error))
                continue
            found = {name: None for name in found if name not in chosen} if exclusion else found | dict.fromkeys(chosen)
        return [*found], faults

    def _chosen(self, selector: str) -> Sequence[str]:
        pattern = PATTERN.fullmatch(selector)
        if selector.startswith("@") and self.kinds:
            return self._of_kind(selector[1:], self.names)
        if pattern is None:
            return [selector]
        names = _matching(pattern["name"], self.names)
        if not pattern["rest"]:
            return names
        return [f"{name}{pattern['rest']}" for name in names if self.kind_of(name) == "product"]

    def _taken_out(self, selector: str, names: Sequence[str]) -> Sequence[str]:
        if selector.startswith("@") and self.kinds:
            return self._of_kind(selector[1:], names)
        return _matching(selector, names)

    def _of_kind(self, kind: str, names: Sequence[str]) -> Sequence[str]:
        if kind not in self.kinds:
            raise unknown(f"kind of {self.what}", kind, self.kinds)
        return [name for name in names if self.kind_of(name) == kind]


def _matching(pattern: str, names: Sequence[str]) -> list[str]:
    wanted = re.compile(".*".join(map(re.escape, pattern.split("*"))))
    return [name for name in names if wanted.fullmatch(name)]

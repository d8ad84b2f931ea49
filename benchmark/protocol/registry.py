"""Names to objects: lazy tables, plug-ins through entry points, and `pkg.module:object` wherever a name does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points

from .errors import BadInputError, unknown


@dataclass(frozen=True)
class Registry:
    """A table from names to `module:attribute`, imported only when a name is asked for.

    `kind` names the entries in messages; installed packages add entries through the entry-point group `group`.
    """

    kind: str
    entries: Mapping[str, str]
    group: str | None = None
    _plugins: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.group is None:
            return
        for point in entry_points(group=self.group):
            if point.name in self:
                raise BadInputError(
                    f"{self.kind} {point.name!r} of entry point {point.value} is taken; rename it or uninstall it"
                )
            self._plugins[point.name] = point.value

    def __iter__(self) -> Iterator[str]:
        yield from self.entries
        yield from self._plugins

    def __contains__(self, name: str) -> bool:
        return name in self.entries or name in self._plugins

    def get(self, name: str) -> object:
        """The object that `name` stands for; `name` may be `pkg.module:object` itself.

        Raises BadInputError for an unknown name (with the nearest ones) and for a module that cannot be imported.
        """
        target = self.entries.get(name) or self._plugins.get(name) or (name if ":" in name else None)
        if target is None:
            raise unknown(self.kind, name, self)
        return import_object(target, self.kind)


def import_object(target: str, kind: str) -> object:
    """The object at `pkg.module:attribute`; raises BadInputError if there is none."""
    module_name, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module_name), attribute)
    except Exception as error:  # a module may raise anything
        raise BadInputError(f"{kind} {target!r} cannot be imported: {type(error).__name__}: {error}") from error

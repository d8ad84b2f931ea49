"""Suites, with what is registered in place of what their selectors choose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, get_args

from ..attacks.listing import full_names, kind_of
from ..attacks.parts import check_tasks
from ..attacks.registry import load_attack, settings_of
from ..benchmark.datasets.registry import DATASETS
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.facts import AttackKind
from ..benchmark.protocol.notices import notice
from ..benchmark.suites.registry import SUITES
from ..benchmark.suites.selectors import Registered
from ..benchmark.suites.suite import Suite
from ..models.registry import find_model, model_names

T = TypeVar("T")


def find_suite(name: str, models: Sequence[str] = (), attacks: Sequence[str] = (), **given: Any) -> Suite:
    """The suite called `name`, in a file or an object of that name, with what is given instead (`Suite.instead`).

    All selectors, the suite's and those in `models` and `attacks`, are resolved; a pattern of attacks stands for those
    on the tasks that all the models have. Raises BadInputError with everything that is wrong in the suite.
    """
    reader = _Reader(replaced=bool(attacks))
    suite = SUITES.get(name).with_names("models", reader.models)
    chosen = _models().select(models)
    suite = suite.instead(models=chosen).with_names("attacks", reader.attacks)
    strange = {key for part in suite.parts if part.models for key in part.settings if key not in reader.settings}
    faults = [*reader.faults, *(f"settings: no attack of it has {key}" for key in sorted(strange))]
    if faults:
        raise BadInputError(f"suite {name}: {'; '.join(faults)}")
    return suite.instead(attacks=_attacks(suite.every_model).select(attacks), **given)


def every_suite() -> dict[str, Suite]:
    """All suites by name, resolved.

    One in which something is wrong, or that needs an extra which is not installed, costs a line on stderr and itself.
    """
    found = {}
    for name, _ in SUITES.working():
        try:
            found[name] = find_suite(name)
        except BadInputError as error:
            notice(f"{error}; it is left out")
    return found


def cell_count(suite: Suite) -> int:
    """How many cells a suite without selectors has, clean passes aside; attacks without steps count once."""
    return len(
        {
            (part.dataset, part.images, part.seed, part.norm, eps, model, source, attack, _given(attack, part))
            for part in suite.parts
            for eps in part.eps
            for model in part.models
            for source in (part.models if part.transfer else [model])
            for attack in part.attacks
        }
    )


def _given(attack: str, part: Suite) -> str:
    own = settings_of(attack)
    return repr({key: value for key, value in part.defaults.items() if key in own})


@dataclass
class _Reader:
    """Finds the names for each part of a suite, and goes on where something is wrong, to tell all at once.

    `settings` are those that some attack has. Attacks that are `replaced` are not held against the models' tasks.
    """

    replaced: bool
    faults: dict[str, None] = field(default_factory=dict)
    settings: set[str] = field(default_factory=set)

    def models(self, part: Suite) -> list[str]:
        self._tried("dataset", DATASETS.get, part.dataset)
        names = self._selected("models", _models(), part.models)
        return [name for name in names if self._tried("models", find_model, name)]

    def attacks(self, part: Suite) -> list[str]:
        if not part.models:  # all others were chosen, or wrong
            return part.attacks
        tasks = [] if self.replaced else _common_tasks(part.models)
        names = self._selected("attacks", _attacks(part.models), part.attacks)
        for name in names:
            self.settings |= {*(self._tried("attacks", _settings, name, tasks) or ())}
        return names

    def _selected(self, where: str, known: Registered, entries: Sequence[str]) -> list[str]:
        names, faults = known.selected(entries)
        self.faults |= {f"{where}: {fault}": None for fault in faults}
        return names

    def _tried(self, where: str, find: Callable[..., T], *given: Any) -> T | None:
        try:
            return find(*given)
        except BadInputError as error:
            self.faults[f"{where}: {error}"] = None
            return None


def _models() -> Registered:
    return Registered("model", model_names())


def _attacks(models: Iterable[str]) -> Registered:
    return Registered("attack", full_names(_common_tasks(models)), get_args(AttackKind), cache(kind_of))


def _common_tasks(models: Iterable[str]) -> list[str]:
    """The tasks that all of these models have, in the order of the first."""
    first, *others = [[*find_model(model).tasks] for model in models] or [[]]
    return [task for task in first if all(task in tasks for tasks in others)]


def _settings(attack: str, tasks: Sequence[str]) -> Sequence[str]:
    """The settings that an attack has; raises BadInputError if there is none of that name, or not on these tasks."""
    made = load_attack(attack)
    if tasks:
        check_tasks(attack, made, tasks)
    return settings_of(attack)

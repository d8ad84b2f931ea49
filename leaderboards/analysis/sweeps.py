"""How damage grows with the budget, or with the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ...benchmark.protocol.cells import ModelRef
from ...benchmark.protocol.estimates import Estimate
from ...benchmark.protocol.records import Record
from ...benchmark.stats import mean
from .group import Group
from .labels import details, labels, steps_of
from .scores import ards, is_complete
from .trainings import CLEAN, training_of

FEWEST = 3
"""Fewest budgets, or numbers of steps, that make a curve."""


@dataclass(frozen=True)
class Sweep:
    """The ARD of an attack, the mean over the same models of one training at every x that they all have."""

    training: str
    attack: str
    models: int
    xs: tuple[float, ...]
    scores: tuple[Estimate, ...]


def budget_sweeps(groups: Sequence[Group]) -> list[Sweep]:
    """The attacks with three budgets or more, eps in 1/255; `groups` differ in nothing but the budget."""
    return _sweeps(attacked_records(groups), lambda record: record.threat.eps, details)


def step_sweeps(group: Group) -> list[Sweep]:
    """The attacks with three numbers of steps or more."""
    if len(group.steps) < FEWEST:
        return []

    def others(record: Record) -> dict[str, object]:
        return {name: value for name, value in details(record).items() if name != "steps"}

    return _sweeps(attacked_records([group]), steps_of, others)


def relatives(group: Group, groups: Iterable[Group]) -> list[Group]:
    """The groups that differ from this one in nothing but the budget, itself among them."""
    return [other for other in groups if replace(other.setting, eps=group.setting.eps) == group.setting]


def attacked_records(groups: Sequence[Group]) -> list[Record]:
    """The complete records of attacks that are no controls."""
    return [
        record
        for group in groups
        for (_, attack), record in group.records.items()
        if is_complete(record) and not group.is_control(attack)
    ]


def _sweeps(
    records: Sequence[Record], x: Callable[[Record], float | None], what: Callable[[Record], dict[str, object]]
) -> list[Sweep]:
    named = labels(records, lambda record: record.attack.name, what)
    courses: dict[tuple[str, str], dict[ModelRef, dict[float, Record]]] = {}
    for record in records:
        place = x(record)
        if place is not None:
            course = courses.setdefault((training_of(record.model_facts), named[record.key]), {})
            course.setdefault(record.cell.model, {})[place] = record
    found = []
    for training, attack in sorted(courses, key=lambda pair: (pair[0] != CLEAN, *pair)):
        course = courses[training, attack]
        by_model = [course[model] for model in sorted(course, key=str)]
        long = [by.keys() for by in by_model if len(by) >= FEWEST]
        if long:
            whole = max(([by for by in by_model if places <= by.keys()] for places in long), key=len)
            xs = sorted(set.intersection(*map(set, whole)))
            scores = tuple(mean(ards([by[place] for by in whole])).estimate() for place in xs)
            found.append(Sweep(training, attack, len(whole), tuple(xs), scores))
    return found

"""Columns of every metric of every task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from ...benchmark.protocol.estimates import Estimate
from ...benchmark.protocol.facts import MetricFacts
from ...benchmark.protocol.records import Record
from ..analysis.group import Group
from .table import Column, Value

S = TypeVar("S")
Scores = Mapping[str, Mapping[str, Estimate]]


def metric_columns(group: Group, scores: Callable[[S], Scores], everything: bool) -> list[Column[S]]:
    """A column per metric of the subject's `scores`; a table shows each task's first, or with `everything` all."""
    return [
        Column(
            f"{task}.{metric}",
            f"{task}\n{metric}\n{unit_and_direction(facts)}",
            _value(scores, task, metric),
            where="everywhere" if everything or place == 0 else "csv",
            low_is_better=not facts.higher_is_better,
        )
        for task in group.setting.tasks
        for place, (metric, facts) in enumerate(group.metrics(task).items())
    ]


def attacked_columns(group: Group, record_of: Callable[[S], Record | None], under: str) -> list[Column[S]]:
    """A column per task of its most telling metric `under` attack, beside which a relative score can be read."""

    def value(task: str, metric: str) -> Callable[[S], Value]:
        return lambda subject: record.attacked[task][metric] if (record := record_of(subject)) else None

    firsts = [(task, *next(iter(group.metrics(task).items()))) for task in group.setting.tasks]
    return [
        Column(
            f"attacked.{task}.{metric}",
            f"{task}\n{metric} {under}\n{unit_and_direction(facts)}",
            value(task, metric),
            where="site",
            low_is_better=not facts.higher_is_better,
        )
        for task, metric, facts in firsts
    ]


def unit_and_direction(facts: MetricFacts) -> str:
    """The unit, if there is one, and an arrow to where scores are better."""
    better = "↑" if facts.higher_is_better else "↓"
    return f"({facts.unit}) {better}" if facts.unit else better


def _value(scores: Callable[[S], Scores], task: str, metric: str) -> Callable[[S], Value]:
    return lambda subject: scores(subject)[task][metric]

"""What follows from other numbers of a record, recomputed: a record cannot say one thing here and another there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from .estimates import Estimate, Replicates, intervals, unpacked
from .facts import TaskFacts

# Estimates have seven digits, and differences of them lose some.
RELATIVE, ABSOLUTE = 1e-5, 2e-6

Scores = Mapping[str, Mapping[str, Estimate]]


def check_degradation(tasks: Mapping[str, TaskFacts], clean: Scores, attacked: Scores, found: Scores) -> None:
    """Every D_m is s (c - a) / |c|; raises ValueError."""
    for task, facts in tasks.items():
        for metric, fact in facts.metrics.items():
            before, after = clean[task][metric].value, attacked[task][metric].value
            expected = None
            if before and after is not None:
                expected = (1 if fact.higher_is_better else -1) * (before - after) / abs(before)
            if not _agree(found[task][metric].value, expected):
                raise ValueError(f"degradation of {task}.{metric} must be that of its scores")


def check_mean(whole: Estimate, parts: Iterable[Estimate], message: str) -> None:
    """The mean of others, undefined if one is; raises ValueError."""
    values = [part.value for part in parts]
    known = [value for value in values if value is not None]
    if not _agree(whole.value, sum(known) / len(known) if len(known) == len(values) > 0 else None):
        raise ValueError(message)


def check_least(whole: Estimate, parts: Iterable[Estimate], message: str) -> None:
    """The smallest of others, undefined if one is; raises ValueError."""
    values = [part.value for part in parts]
    known = [value for value in values if value is not None]
    if not _agree(whole.value, min(known) if len(known) == len(values) > 0 else None):
        raise ValueError(message)


def check_intervals(tasks: Mapping[str, Estimate], whole: Estimate, replicates: Mapping[str, Replicates]) -> None:
    """The intervals of tasks, and of their mean, are those of their replicates; raises ValueError."""
    if {*tasks} != {*replicates} or len({one.count for one in replicates.values()}) != 1:
        raise ValueError("every task must have its replicates, as many as the others")
    packed = [replicates[name] for name in tasks]
    rows = unpacked(packed)
    if not rows.size:
        return
    found = intervals(np.vstack([rows, rows.mean(axis=0)]))
    steps = [(one.high - one.low) / 65534 for one in packed]
    every = [*tasks.items(), ("ard", whole)]
    for (name, one), (low, high), step in zip(every, found, [*steps, max(steps)], strict=True):
        if one.value is None or one.low is None or one.high is None:
            continue
        for stated, follows in ((one.low, min(low, one.value)), (one.high, max(high, one.value))):
            if not math.isclose(stated, follows, rel_tol=RELATIVE, abs_tol=ABSOLUTE + 2 * step):
                raise ValueError(f"the interval of {name} must be that of its replicates, not {stated:g}")


def _agree(found: float | None, expected: float | None) -> bool:
    return (
        found is expected
        if found is None or expected is None
        else math.isclose(found, expected, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    )

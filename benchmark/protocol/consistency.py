"""What follows from other numbers of a record, recomputed: a record cannot say one thing here and another there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np

from .estimates import Estimate, Replicates, levels_of, values
from .facts import TaskFacts

# Estimates have seven digits, and differences of them lose some.
RELATIVE, ABSOLUTE = 1e-5, 2e-6
TAIL = 0.025
"""The share of replicates on either side of an interval."""

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
    levels = levels_of(packed)
    if not levels.size:
        return
    # By hand, since `np.quantile` takes as long as all the rest of reading; levels are sorted faster than their values.
    places, beyond = _tails(levels.shape[1])
    mean = np.partition(values(packed, levels).mean(axis=0), places)[places]
    rows = [*values(packed, np.sort(levels, axis=1)[:, places]).tolist(), mean.tolist()]
    steps = [(one.high - one.low) / 65534 for one in packed]
    every = [*tasks.items(), ("ard", whole)]
    for (name, one), (low, next_low, high, next_high), step in zip(every, rows, [*steps, max(steps)], strict=True):
        if one.value is None or one.low is None or one.high is None:
            continue
        low, high = low + beyond[0] * (next_low - low), high + beyond[1] * (next_high - high)
        for stated, follows in ((one.low, min(low, one.value)), (one.high, max(high, one.value))):
            if not math.isclose(stated, follows, rel_tol=RELATIVE, abs_tol=ABSOLUTE + 2 * step):
                raise ValueError(f"the interval of {name} must be that of its replicates, not {stated:g}")


@cache
def _tails(count: int) -> tuple[list[int], list[float]]:
    """Between which of `count` numbers in order each end of an interval lies, and how far beyond the first of them."""
    ends = [share * (count - 1) for share in (TAIL, 1 - TAIL)]
    return [place for end in ends for place in (math.floor(end), math.ceil(end))], [end % 1 for end in ends]


def _agree(found: float | None, expected: float | None) -> bool:
    return (
        found is expected
        if found is None or expected is None
        else math.isclose(found, expected, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    )

"""Scores of records with their paired replicates, and their averages over models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.estimates import Estimate, Replicates, unpacked
from ...benchmark.protocol.provenance import TIERS, Tier
from ...benchmark.protocol.records import Record
from ...benchmark.stats import RESAMPLES, Array, Bootstrapped


def is_complete(record: Record) -> bool:
    """Whether every task's degradation is defined; what is not is never averaged over."""
    tasks = record.degradation.tasks.values()
    return record.complete and all(task.value is not None for task in tasks)


def replicates(packed: Mapping[str, Replicates | None]) -> Array:
    """Replicates unpacked, (k, RESAMPLES), in their order.

    Raises BadInputError naming the key of one that is missing or of another number of resamples.
    """
    found = []
    for of, one in packed.items():
        if one is None or one.count != RESAMPLES:
            count = one.count if one else 0
            raise BadInputError(
                f"{of} has {count} replicates, not {RESAMPLES}; evaluate the cell again with mtrbench run"
            )
        found.append(one)
    return unpacked(found)


def value_of(estimate: Estimate) -> float:
    """The value of an estimate, NaN where undefined."""
    return float("nan") if estimate.value is None else estimate.value


def task_scores(parts: Sequence[tuple[Record, str]]) -> list[Bootstrapped]:
    """D_t of every record and task; raises as `replicates` does."""
    found = replicates({f"record {of.key}: task {task}": of.degradation.replicates.get(task) for of, task in parts})
    values = [value_of(of.degradation.tasks[task]) for of, task in parts]
    return [Bootstrapped(*pair) for pair in zip(values, found, strict=True)]


def ard(record: Record) -> Bootstrapped:
    """The averaged relative degradation of a complete record, the mean of D_t over its tasks."""
    return ards([record])[0]


def ards(records: Sequence[Record]) -> list[Bootstrapped]:
    """The averaged relative degradation of several complete records that have the same tasks in the same order.

    All at once, since boards ask for a hundred thousand.
    """
    parts = [(record, task) for record in records for task in record.cell.tasks]
    found = replicates({f"record {of.key}: task {task}": of.degradation.replicates.get(task) for of, task in parts})
    values = np.array([value_of(of.degradation.tasks[task]) for of, task in parts])
    shape = len(records), len(parts) // len(records)
    means = zip(values.reshape(shape).mean(axis=1), found.reshape(*shape, -1).mean(axis=1), strict=True)
    return [Bootstrapped(float(value), part) for value, part in means]


def tier_of(records: Iterable[Record]) -> Tier:
    """The tier of a row: the least of its records'."""
    return min((record.tier for record in records), key=TIERS.index, default="claimed")


def highest(scores: Sequence[Bootstrapped]) -> Bootstrapped:
    """The largest of several scores, resample by resample; undefined if one of them is."""
    value = max(score.value for score in scores)
    return Bootstrapped(value, np.stack([score.replicates for score in scores]).max(axis=0))


def ratio(above: Bootstrapped, below: Bootstrapped) -> Bootstrapped:
    """One score over another, resample by resample; undefined where the latter is not positive."""
    replicates = np.divide(
        above.replicates, below.replicates, out=np.full_like(above.replicates, np.nan), where=below.replicates > 0
    )
    return Bootstrapped(above.value / below.value if below.value > 0 else np.nan, replicates)


def plain_mean(parts: Iterable[Estimate]) -> float | None:
    """The mean of values without replicates; None if one of them is undefined."""
    values = [part.value for part in parts]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) > 0 else None

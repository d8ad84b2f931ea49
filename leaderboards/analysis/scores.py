"""Scores of records with their paired replicates, and their averages over models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.estimates import Estimate, Replicates, unpacked
from ...benchmark.protocol.provenance import TIERS, Tier
from ...benchmark.protocol.records import Record
from ...benchmark.stats import RESAMPLES, Array, Bootstrapped


def is_complete(record: Record) -> bool:
    """Whether every task's degradation is defined, as its mean is; what is not is never averaged over."""
    return record.complete  # which reading has checked against the mean, and that against the tasks


def replicates(packed: Sequence[Replicates | None], name: Callable[[int], str]) -> Array:
    """Replicates unpacked, (k, RESAMPLES), in their order.

    Raises BadInputError with the `name` of one that is missing or of another number of resamples, by its place.
    """
    found = [one for one in packed if one is not None and one.count == RESAMPLES]
    if len(found) < len(packed):
        counts = [one.count if one else 0 for one in packed]
        place = next(place for place, count in enumerate(counts) if count != RESAMPLES)
        raise BadInputError(
            f"{name(place)} has {counts[place]} replicates, not {RESAMPLES}; evaluate the cell again with mtrbench run"
        )
    return unpacked(found)


def value_of(estimate: Estimate) -> float:
    """The value of an estimate, NaN where undefined."""
    return float("nan") if estimate.value is None else estimate.value


def task_scores(parts: Sequence[tuple[Record, str]]) -> list[Bootstrapped]:
    """D_t of every record and task; raises as `replicates` does."""
    return [Bootstrapped(*pair) for pair in zip(*_damages(parts), strict=True)]


def _damages(parts: Sequence[tuple[Record, str]]) -> tuple[list[float], Array]:
    """The values and replicates of `task_scores`."""

    def name(place: int) -> str:
        of, task = parts[place]
        return f"record {of.key}: task {task}"

    found = replicates([of.degradation.replicates.get(task) for of, task in parts], name)
    return [value_of(of.degradation.tasks[task]) for of, task in parts], found


def ard(record: Record) -> Bootstrapped:
    """The averaged relative degradation of a complete record, the mean of D_t over its tasks."""
    return ards([record])[0]


def ards(records: Sequence[Record]) -> list[Bootstrapped]:
    """The averaged relative degradation of several complete records that have the same tasks in the same order.

    All at once, since boards ask for a hundred thousand.
    """
    parts = [(record, task) for record in records for task in record.cell.tasks]
    values, found = _damages(parts)
    shape = len(records), len(parts) // len(records)
    means = zip(np.array(values).reshape(shape).mean(axis=1), found.reshape(*shape, -1).mean(axis=1), strict=True)
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

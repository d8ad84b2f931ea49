"""Scores of records with their paired replicates, and their averages over models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.metrics import METRICS
from ..benchmark.protocol.records import Estimate, Record, Replicates
from ..benchmark.stats import RESAMPLES, Array, Bootstrapped, mean


def is_complete(record: Record) -> bool:
    """Whether every task's degradation is defined; what is not is never averaged over."""
    tasks = record.degradation.tasks.values()
    return record.complete and all(task.value is not None for task in tasks)


def unpacked(packed: Replicates | None, of: str) -> Array:
    """Replicates as numbers; raises BadInputError, saying what they are `of`, if they are not the protocol's."""
    replicates = packed.unpack() if packed else np.empty(0)
    if len(replicates) != RESAMPLES:
        raise BadInputError(
            f"{of} has {len(replicates)} replicates, not {RESAMPLES}; evaluate the cell again with mtrbench run"
        )
    return replicates


def task_score(record: Record, task: str) -> Bootstrapped:
    """D_t of a complete record; raises as `unpacked` does."""
    value = record.degradation.tasks[task].value
    assert value is not None  # the caller leaves incomplete records out
    return Bootstrapped(value, unpacked(record.degradation.replicates.get(task), f"record {record.key}: task {task}"))


def ard(record: Record) -> Bootstrapped:
    """The averaged relative degradation of a complete record, the mean of D_t over its tasks."""
    return mean([task_score(record, task) for task in in_order(record.cell.tasks)])


def tier_of(records: Iterable[Record]) -> str:
    """The verification tier of a row: "published" if all of its records are, else "local"."""
    return "published" if all(record.tier == "published" for record in records) else "local"


def highest(scores: Sequence[Bootstrapped]) -> Bootstrapped:
    """The largest of several scores, resample by resample; undefined if one of them is."""
    value = max(score.value for score in scores)
    return Bootstrapped(value, np.stack([score.replicates for score in scores]).max(axis=0))


def plain_mean(parts: Iterable[Estimate]) -> float | None:
    """The mean of values without replicates; None if one of them is undefined."""
    values = [part.value for part in parts]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) > 0 else None


def in_order(tasks: Iterable[str]) -> tuple[str, ...]:
    """Task names in the order of the protocol, those it does not know last by name."""
    known = list(METRICS)
    return tuple(sorted(tasks, key=lambda task: (known.index(task) if task in known else len(known), task)))

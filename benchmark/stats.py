"""Scores and their intervals, from per-sample additive statistics (docs/protocol.md has the maths)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .protocol.damage import relative
from .protocol.errors import BadInputError
from .protocol.estimates import Estimate, Replicates, intervals
from .protocol.records import Degradation

if TYPE_CHECKING:  # boards stand on this module and must not load torch
    from .protocol.tasks.base import Task

Array = NDArray[np.float64]

RESAMPLES = 500


@lru_cache(maxsize=4)
def resampling_weights(samples: int) -> Array:
    """How often each sample stands in each resample, (RESAMPLES, n), not to be written to.

    The same n gives the same weights always, so that the replicates of two cells over the same images are paired.
    """
    generator = np.random.Generator(np.random.Philox(key=0))
    drawn = generator.integers(0, samples, size=(RESAMPLES, samples))
    weights = np.stack([np.bincount(row, minlength=samples) for row in drawn]).astype(np.float64)
    weights.flags.writeable = False
    return weights


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """A score over all samples, and over every resample: value () and replicates (RESAMPLES,); NaN = undefined."""

    value: float
    replicates: Array

    def estimate(self) -> Estimate:
        """The value with the percentile interval of its replicates.

        The interval is left out if a resample leaves the score undefined. It is stretched to the value where that lies
        beside it, as the least of many alike may.
        """
        if not np.isfinite(self.value):
            return Estimate(value=None, low=None, high=None)
        value = _rounded(self.value)
        if not np.isfinite(self.replicates).all():
            return Estimate(value=value, low=None, high=None)
        ((low, high),) = intervals(self.replicates[None])
        return Estimate(value=value, low=min(_rounded(low), value), high=max(_rounded(high), value))


Scores = dict[str, dict[str, Bootstrapped]]
"""Metrics by name, by task."""


def _rounded(value: float) -> float:
    """To seven digits, far more than the interval leaves: a record has two hundred such numbers."""
    return float(f"{value:.7g}")


def _stack(parts: list[Bootstrapped]) -> tuple[Array, Array]:
    return np.array([part.value for part in parts]), np.array([part.replicates for part in parts])


def mean(parts: list[Bootstrapped]) -> Bootstrapped:
    """The mean of several scores, resample by resample; undefined if one of them is."""
    if len(parts) == 1:
        return parts[0]
    values, replicates = _stack(parts)
    return Bootstrapped(float(values.mean()), replicates.mean(axis=0))


def least(parts: list[Bootstrapped]) -> Bootstrapped:
    """The smallest of several scores, resample by resample; undefined if one of them is."""
    values, replicates = _stack(parts)
    return Bootstrapped(float(values.min()), replicates.min(axis=0))


def scores(tasks: Mapping[str, Task], statistics: Mapping[str, Array]) -> Scores:
    """Every metric of every task from its per-sample statistics (n, S), all over the same samples."""
    weights = resampling_weights(len(next(iter(statistics.values()))))
    return {name: bootstrap_scores(task, statistics[name], weights) for name, task in tasks.items()}


def bootstrap_scores(task: Task, statistics: Array, weights: Array) -> dict[str, Bootstrapped]:
    """A task's metrics by name from the per-sample statistics (n, S).

    Raises BadInputError, which blames the task, if it does not score its metrics, or one sum after the other.
    """
    values, replicates = task.scores(statistics.sum(axis=0)), task.scores(weights @ statistics)
    for metric in task.metrics:
        if not all(metric.name in found for found in (values, replicates)):
            raise BadInputError(f"task {task.kind}: its scores {', '.join(values)} lack its metric {metric.name}")
        shape = np.shape(values[metric.name]), np.shape(replicates[metric.name])
        if shape != ((), weights.shape[:1]):
            raise BadInputError(
                f"task {task.kind}: {metric.name} of sums (..., S) is {shape[1]}, not {weights.shape[:1]}"
            )
    return {m.name: Bootstrapped(float(values[m.name]), _known(replicates[m.name], weights)) for m in task.metrics}


def _known(replicates: Array, weights: Array) -> Array:
    """The replicates, but none of a single sample: all its resamples are alike, and say nothing of another one."""
    return replicates if weights.shape[1] > 1 else np.full_like(replicates, np.nan)


def relative_degradation(clean: Bootstrapped, attacked: Bootstrapped, higher_is_better: bool) -> Bootstrapped:
    """D = s (c - a) / |c| with s = +1 if higher is better, else -1: positive = damage; undefined for c = 0."""
    value = relative(np.asarray(clean.value), np.asarray(attacked.value), higher_is_better)
    return Bootstrapped(float(value), relative(clean.replicates, attacked.replicates, higher_is_better))


def relative_loss_change(clean: Array, attacked: Array, weights: Array) -> Bootstrapped:
    """Mean over samples of (L(x') - L(x)) / |L(x)|, from per-sample losses (n,).

    Samples with L(x) = 0 (no valid pixel) have no relative change and are left out.
    """
    known = clean != 0  # NaN stays, and makes the result undefined
    change = np.where(known, relative(clean, attacked, higher_is_better=False), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        replicates = (weights @ change) / (weights @ known.astype(np.float64))
        value = change.sum() / np.float64(known.sum())
    return Bootstrapped(float(value), _known(replicates, weights))


def degradation(
    tasks: Mapping[str, Task],
    before: Scores,
    after: Scores,
    clean_losses: Mapping[str, Array],
    attacked_losses: Mapping[str, Array],
) -> Degradation:
    """The degradation from the scores `before` to those `after`, and of the losses (n,), all over the same samples."""
    weights = resampling_weights(len(next(iter(clean_losses.values()))))
    by_metric = {
        name: {
            metric.name: relative_degradation(
                before[name][metric.name], after[name][metric.name], metric.higher_is_better
            )
            for metric in task.metrics
        }
        for name, task in tasks.items()
    }
    by_task = {name: mean(list(metrics.values())) for name, metrics in by_metric.items()}
    losses = {name: relative_loss_change(clean_losses[name], attacked_losses[name], weights) for name in tasks}
    return Degradation(
        ard=mean(list(by_task.values())).estimate(),
        flat=mean([part for metrics in by_metric.values() for part in metrics.values()]).estimate(),
        worst_task=least(list(by_task.values())).estimate(),
        tasks={name: part.estimate() for name, part in by_task.items()},
        metrics=estimates(by_metric),
        arlc=mean(list(losses.values())).estimate(),
        least_loss=least(list(losses.values())).estimate(),
        losses={name: part.estimate() for name, part in losses.items()},
        replicates={name: Replicates.pack(part.replicates) for name, part in by_task.items()},
    )


def estimates(parts: Mapping[str, Mapping[str, Bootstrapped]]) -> dict[str, dict[str, Estimate]]:
    """Each score with its interval."""
    return {name: {metric: part.estimate() for metric, part in metrics.items()} for name, metrics in parts.items()}

"""Does one number rise with another over models? Spearman's rank correlation, with an interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..benchmark.stats import RESAMPLES, Array, Bootstrapped

FEWEST = 5
"""Models below which a rank correlation says nothing: of four, every 24th order is the rising one."""


def rank_correlation(xs: Sequence[float], scores: Sequence[Bootstrapped]) -> Bootstrapped | None:
    """Spearman's rho between `xs` and `scores`, one each per model; None for fewer than five models or equal values.

    Every replicate draws the models anew, with replacement, and takes the same resample of the images for all of them:
    the interval is over models and images, unknown if a score's is. A draw in which all are equal has no correlation,
    and another one is made.
    """
    x, values = np.array(xs), np.array([score.value for score in scores])
    rho = spearman(x, values)
    if len(xs) < FEWEST or not np.isfinite(rho):
        return None
    replicates = np.stack([score.replicates for score in scores])
    if not np.isfinite(replicates).all():
        return Bootstrapped(rho, np.full(RESAMPLES, np.nan))
    generator = np.random.Generator(np.random.Philox(key=1))
    return Bootstrapped(rho, np.array([_redrawn(x, replicates[:, i], generator) for i in range(RESAMPLES)]))


def _redrawn(x: Array, y: Array, generator: np.random.Generator, most: int = 100) -> float:
    for _ in range(most):
        drawn = generator.integers(0, len(x), len(x))
        rho = spearman(x[drawn], y[drawn])
        if np.isfinite(rho):
            break
    return rho


def spearman(x: Array, y: Array) -> float:
    """The correlation of the ranks of x and y, (n,), ties at their mean; NaN if either is constant or undefined."""
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return float("nan")
    ranks = [_ranked(values) - (len(values) - 1) / 2 for values in (x, y)]
    spread = np.sqrt(np.prod([(rank**2).sum() for rank in ranks]))
    return float((ranks[0] * ranks[1]).sum() / spread) if spread > 0 else float("nan")


def _ranked(values: Array) -> Array:
    """Ranks from 0 on; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts) - 1
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)

"""Does one number rise with another over models? Spearman's rank correlation, with an interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..benchmark.stats import RESAMPLES, Array, Bootstrapped

REDRAWS = 100
"""Draws after which a resample stays undefined."""

FEWEST = 5
"""Models below which a rank correlation says nothing: of four, every 24th order is the rising one."""


def rank_correlation(xs: Sequence[float], scores: Sequence[Bootstrapped]) -> Bootstrapped | None:
    """Spearman's rho between `xs` and `scores`, one each per model; None for fewer than five models or equal values.

    Every replicate draws the models anew, with replacement, and takes the same resample of the images for all of them:
    the interval is over models and images, unknown if a score's is. A draw in which all are equal has no correlation,
    and another one is made.
    """
    x, values = np.array(xs), np.array([score.value for score in scores])
    rho = float(spearman(x, values))
    if len(xs) < FEWEST or not np.isfinite(rho):
        return None
    replicates = np.stack([score.replicates for score in scores])
    if not np.isfinite(replicates).all():
        return Bootstrapped(rho, np.full(RESAMPLES, np.nan))
    generator = np.random.Generator(np.random.Philox(key=1))
    found = np.full(RESAMPLES, np.nan)
    for _ in range(REDRAWS):
        left = np.flatnonzero(np.isnan(found))
        if not len(left):
            break
        drawn = generator.integers(0, len(x), (len(left), len(x)))
        found[left] = spearman(x[drawn], np.take_along_axis(replicates[:, left].T, drawn, axis=1))
    return Bootstrapped(rho, found)


def spearman(x: Array, y: Array) -> Array:
    """The correlation of the ranks of x and y, (..., n) to (...), ties at their mean; NaN if either is constant."""
    one, other = _centred_ranks(x), _centred_ranks(y)
    spread = np.sqrt((one**2).sum(axis=-1) * (other**2).sum(axis=-1))
    known = np.isfinite(x).all(axis=-1) & np.isfinite(y).all(axis=-1)
    product: Array = (one * other).sum(axis=-1)
    return np.asarray(np.divide(product, spread, out=np.full_like(product, np.nan), where=known & (spread > 0)))


def _centred_ranks(values: Array) -> Array:
    """Ranks along the last axis around 0, up to a factor; equal values share their mean rank."""
    ranks = np.zeros(values.shape)
    for other in np.moveaxis(values, -1, 0):  # one by one: faster than a third axis
        ranks += values > other[..., None]
        ranks -= values < other[..., None]
    return ranks

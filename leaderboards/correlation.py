"""Does one number rise with another over models? Spearman's rank correlation, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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
    rho = float(spearman(np.array(xs), np.array([score.value for score in scores])))
    if len(xs) < FEWEST or not np.isfinite(rho):
        return None
    replicates = np.stack([score.replicates for score in scores], axis=-1)
    found = np.full(RESAMPLES, np.nan)
    if not np.isfinite(replicates).all():
        return Bootstrapped(rho, found)
    for attempt in range(REDRAWS):
        left = np.isnan(found)
        if not left.any():
            break
        drawn, ranks = _drawn(tuple(xs), attempt)
        scored = np.take_along_axis(replicates[left], drawn[left], axis=1)
        found[left] = _correlation(ranks[left], _centred_ranks(scored))
    return Bootstrapped(rho, found)


def spearman(x: Array, y: Array) -> Array:
    """The correlation of the ranks of x and y, (..., n) to (...), ties at their mean; NaN if either is constant."""
    known = np.isfinite(x).all(axis=-1) & np.isfinite(y).all(axis=-1)
    return np.where(known, _correlation(_centred_ranks(x), _centred_ranks(y)), np.nan)


@lru_cache(maxsize=16)  # one attack's correlation after the other is over the same models
def _drawn(xs: tuple[float, ...], attempt: int) -> tuple[NDArray[np.int64], Array]:
    """The models drawn for every resample, and the centred ranks of their x; both (RESAMPLES, n)."""
    generator = np.random.Generator(np.random.Philox(key=1 + attempt))
    drawn = generator.integers(0, len(xs), (RESAMPLES, len(xs)))
    return drawn, _centred_ranks(np.array(xs)[drawn])


def _centred_ranks(values: Array) -> Array:
    """Ranks along the last axis around 0, up to a factor; equal values share their mean rank."""
    columns = np.ascontiguousarray(np.moveaxis(values, -1, 0))
    ranks = np.zeros(columns.shape, np.int16)
    for other in columns:  # one by one, and small numbers: much faster than a third axis
        ranks += columns > other
        ranks -= columns < other
    return np.moveaxis(ranks, 0, -1).astype(np.float64)


def _correlation(x: Array, y: Array) -> Array:
    """The correlation of numbers around 0, (..., n) to (...); NaN if either is constant."""
    spread = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    product: Array = (x * y).sum(axis=-1)
    return np.asarray(np.divide(product, spread, out=np.full_like(product, np.nan), where=spread > 0))

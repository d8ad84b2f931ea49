"""Does one number rise with another over layouts? Spearman's rank correlation, and how often chance does as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, permutations

import numpy as np

from ...benchmark.stats import Array, Bootstrapped

FEWEST = 4
"""Fewest numbers to correlate: of three, even a perfect order comes about by chance every third time."""

EXACT = 9
"""Most numbers of which every order is tried, 362,880 of nine; of more, a sample of orders is."""

DRAWS = 100_000
"""Size of that sample."""


@dataclass(frozen=True)
class Correlation:
    """Spearman's rho with its replicates over the images, and the p-value of `rank_correlation`."""

    rho: Bootstrapped
    p: float


def rank_correlation(xs: Sequence[float], scores: Sequence[Bootstrapped]) -> Correlation | None:
    """Spearman's rho between `xs` and `scores`; None for fewer than four of them or for equal values.

    Every replicate takes the same resample of the images for all scores. The xs are a design, not a sample, so that
    nothing is resampled over them; instead p says how many of all orders of the scores over them have a correlation as
    far from 0: the exact permutation test, two-sided, of the hypothesis that the scores do not depend on x.
    """
    values = np.array([score.value for score in scores])
    x, y = _centred_ranks(np.array(xs)), _centred_ranks(values)
    rho = float(spearman(np.array(xs), values))
    if len(xs) < FEWEST or not np.isfinite(rho):
        return None
    replicates = np.stack([score.replicates for score in scores], axis=-1)
    found = spearman(np.array(xs), replicates)
    by_chance = _by_chance(tuple(x), tuple(sorted(y)))
    as_far = len(by_chance) - np.searchsorted(by_chance, abs(x @ y))
    own = len(xs) > EXACT  # a sample may lack the order that there is
    return Correlation(Bootstrapped(rho, found), float((as_far + own) / (len(by_chance) + own)))


def spearman(x: Array, y: Array) -> Array:
    """The correlation of the ranks of x (n) and y, (..., n) to (...), ties at their mean; NaN if either is constant."""
    known = np.isfinite(x).all(axis=-1) & np.isfinite(y).all(axis=-1)
    return np.where(known, _correlation(_centred_ranks(x), _centred_ranks(y)), np.nan)


@lru_cache(maxsize=16)  # ranks without ties are the same for every attack
def _by_chance(x: tuple[float, ...], y: tuple[float, ...]) -> Array:
    """|x . y| of every order of y, or of a sample of them; whole numbers, in rising order."""
    count = len(x)
    if count <= EXACT:
        orders = np.fromiter(chain.from_iterable(permutations(range(count))), np.int8).reshape(-1, count)
    else:
        generator = np.random.Generator(np.random.Philox(key=1))
        orders = generator.permuted(np.tile(np.arange(count), (DRAWS, 1)), axis=1)
    found: Array = np.sort(np.abs(np.array(y)[orders] @ np.array(x)))
    return found


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

"""Ranks that admit what the data cannot tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...benchmark.protocol.estimates import LEVEL
from ...benchmark.stats import Array, Bootstrapped


@dataclass(frozen=True)
class Rank:
    """The best and the worst rank that the data allow; equal where nothing is tied with it."""

    best: int
    worst: int


def surely_positive(differences: Array) -> NDArray[np.bool_]:
    """Whether the 95 % interval of differences (..., n) lies above 0; not if one of them is unknown.

    Its lower end lies between two of the sorted differences, so that counting those above 0 says it for nearly all.
    """
    tail = (1 - LEVEL) / 2
    place = int(tail * (differences.shape[-1] - 1))
    rest = np.count_nonzero(~(differences > 0), axis=-1)
    found = np.atleast_1d(rest <= place)
    between = np.atleast_1d(rest == place + 1)
    if between.any():
        found[between] = np.quantile(np.atleast_2d(differences)[between], tail, axis=-1) > 0
    return found.reshape(rest.shape) & np.isfinite(differences).all(axis=-1)


def is_above(one: Bootstrapped, other: Bootstrapped) -> bool:
    """Whether the 95 % interval of the paired difference one - other lies above 0; not if it is unknown."""
    return bool(surely_positive(one.replicates - other.replicates))


def ranks(scores: Sequence[Bootstrapped], highest_first: bool) -> list[Rank]:
    """The rank interval of every score, from the paired differences of the replicates.

    Two scores are tied if the 95 % interval of their difference contains 0, or is unknown. The best rank is
    1 + the number of scores significantly better, the worst is the number of scores, itself among them, that are not
    significantly worse. Replicates must be paired: the same resamples of the same images.
    """
    if not scores:
        return []
    sign = 1.0 if highest_first else -1.0
    replicates = sign * np.stack([score.replicates for score in scores])
    better, worse = np.zeros(len(scores), int), np.zeros(len(scores), int)
    for i, own in enumerate(replicates[:-1]):
        differences = replicates[i + 1 :] - own
        above, below = surely_positive(differences), surely_positive(-differences)
        better[i], worse[i] = better[i] + above.sum(), worse[i] + below.sum()
        better[i + 1 :] += below
        worse[i + 1 :] += above
    return [Rank(best=1 + int(b), worst=len(scores) - int(w)) for b, w in zip(better, worse, strict=True)]

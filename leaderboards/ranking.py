"""Ranks that admit what the data cannot tell apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..benchmark.stats import LEVEL, Bootstrapped
from .board import Rank


def is_above(one: Bootstrapped, other: Bootstrapped) -> bool:
    """Whether the 95 % interval of the paired difference one - other lies above 0; not if it is unknown."""
    return bool(np.quantile(one.replicates - other.replicates, (1 - LEVEL) / 2) > 0)


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
    tail = (1 - LEVEL) / 2
    better, worse = np.zeros(len(scores), int), np.zeros(len(scores), int)
    for i, own in enumerate(replicates[:-1]):
        low, high = np.quantile(replicates[i + 1 :] - own, (tail, 1 - tail), axis=1)  # NaN compares as neither
        better[i], worse[i] = better[i] + (low > 0).sum(), worse[i] + (high < 0).sum()
        better[i + 1 :] += high < 0
        worse[i + 1 :] += low > 0
    return [Rank(best=1 + int(b), worst=len(scores) - int(w)) for b, w in zip(better, worse, strict=True)]

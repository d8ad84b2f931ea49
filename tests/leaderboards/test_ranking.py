"""Ranks: as sure as the paired differences allow."""

import itertools

import numpy as np

from mtrbench.benchmark.stats import RESAMPLES, Bootstrapped
from mtrbench.leaderboards.analysis.ranking import Rank, ranks


def scores_of(means, own_spread):
    """Scores that share most of their variation, as over the same images."""
    rng = np.random.default_rng(1)
    common = rng.standard_normal(RESAMPLES)
    return [Bootstrapped(m, m + common + own_spread * rng.standard_normal(RESAMPLES)) for m in means]


def test_ranks_are_paired():
    # Unpaired, intervals as wide as these (+-2) could not tell any two of them apart.
    assert ranks(scores_of([3.0, 2.5, 2.0], 0.05), True) == [Rank(1, 1), Rank(2, 2), Rank(3, 3)]
    assert ranks(scores_of([3.0, 2.5, 2.0], 0.05), False) == [Rank(3, 3), Rank(2, 2), Rank(1, 1)]


def test_ties_need_not_be_transitive():
    assert ranks(scores_of([0.3, 0.15, 0.0], 0.085), True) == [Rank(1, 2), Rank(1, 3), Rank(2, 3)]


def test_equal_and_undefined_scores_are_ties():
    same = scores_of([1.0], 0.1) * 2
    assert ranks(same, True) == [Rank(1, 2), Rank(1, 2)]
    broken = Bootstrapped(9.0, np.full(RESAMPLES, np.nan))
    for order in itertools.permutations([*same, broken]):
        assert ranks(order, True) == [Rank(1, 3)] * 3
    # One undefined replicate leaves the differences unknown, and those of all others as they are.
    high, low, partly = scores_of([3.0, 1.0, 2.0], 0.05)
    partly.replicates[0] = np.nan
    for order in itertools.permutations([(high, Rank(1, 2)), (low, Rank(2, 3)), (partly, Rank(1, 3))]):
        assert ranks([score for score, _ in order], True) == [rank for _, rank in order]
    assert ranks([], True) == []


def test_ranks_do_not_depend_on_order():
    scores = scores_of([3.0, 2.9, 2.0, 1.99], 0.05)
    expected = ranks(scores, True)
    for order in itertools.permutations(range(4)):
        assert ranks([scores[i] for i in order], True) == [expected[i] for i in order]

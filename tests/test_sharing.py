"""Rank correlations with sharing, and the board and the plot of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_records import make_record
from scipy.stats import spearmanr

from mtrbench.benchmark.stats import RESAMPLES, Bootstrapped
from mtrbench.leaderboards.correlation import rank_correlation, spearman
from mtrbench.leaderboards.groups import group
from mtrbench.leaderboards.pages import files
from mtrbench.leaderboards.sharing_board import sharing_boards
from mtrbench.leaderboards.tradeoff import headline_attack, points

INDICES = [0.0, 0.2, 0.4, 0.6, 0.7, 0.7, 0.8, 1.0]


def certain(values):
    return [Bootstrapped(value, np.full(RESAMPLES, value)) for value in values]


@given(st.lists(st.tuples(st.integers(-3, 3), st.floats(-2, 2)), min_size=2, max_size=12))
def test_spearman_is_that_of_scipy(pairs):
    x, y = np.array(pairs, dtype=float).T
    if min(len({*x}), len({*y})) < 2:
        assert np.isnan(spearman(x, y))
    else:
        assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


def test_a_correlation_knows_only_orders():
    rising = certain(np.exp(INDICES))
    found = rank_correlation(INDICES, rising)
    assert found.value == pytest.approx(1)
    assert rank_correlation(INDICES, rising[::-1]).value < -0.9
    assert found.estimate().low > 0.9


def test_an_interval_holds_models_and_images():
    xs = np.linspace(0, 1, 12)
    noise = np.random.default_rng(0).normal(size=(2, 12))
    few = rank_correlation(xs, certain(xs + 0.5 * noise[0])).estimate()
    assert few.low < few.value < few.high
    assert few.high - few.low > 0.2
    images = np.random.default_rng(1).normal(size=(12, RESAMPLES))
    blurred = [Bootstrapped(x, x + 2 * own) for x, own in zip(xs, images, strict=True)]
    sharp = rank_correlation(xs, certain(xs)).estimate()
    wide = rank_correlation(xs, blurred).estimate()
    assert wide.high - wide.low > 5 * (sharp.high - sharp.low)


def test_many_correlations_at_once_are_those_one_by_one():
    x, y = np.random.default_rng(3).integers(0, 4, (2, 20, 7)).astype(float)
    y[5] = 1
    found = spearman(x, y)
    assert np.isnan(found[5])
    assert found == pytest.approx([float(spearman(*rows)) for rows in zip(x, y, strict=True)], nan_ok=True)


def test_all_models_are_seen_on_the_same_images():
    # What moves all scores of a resample alike changes no order in it.
    xs, common = np.arange(6.0), 10 * np.random.default_rng(4).normal(size=RESAMPLES)
    moved = rank_correlation(xs, [Bootstrapped(x, x + common) for x in xs])
    assert np.array_equal(moved.replicates, rank_correlation(xs, certain(xs)).replicates)


def test_draws_of_one_model_are_made_anew():
    # Of five models two differ: more than one draw in twenty holds no other.
    found = rank_correlation([0.0, 0.0, 0.0, 0.0, 1.0], certain([0.0, 0.0, 0.0, 0.0, 1.0]))
    assert np.array_equal(found.replicates, np.ones(RESAMPLES))


def test_the_interval_is_unknown_if_a_scores_is():
    scores = certain(INDICES)
    scores[2].replicates[0] = np.nan
    found = rank_correlation(INDICES, scores).estimate()
    assert found.value == pytest.approx(1)
    assert (found.low, found.high) == (None, None)


def test_independent_numbers_have_intervals_around_zero():
    generator = np.random.default_rng(2)
    drawn = [rank_correlation(np.arange(10.0), certain(generator.normal(size=10))).estimate() for _ in range(60)]
    assert np.mean([found.low < 0 < found.high for found in drawn]) > 0.8


@pytest.mark.parametrize("xs", [[0.0, 0.5, 1.0, 0.2], [0.5] * 8])
def test_too_few_models_or_layouts_have_none(xs):
    assert rank_correlation(xs, certain(range(len(xs)))) is None


def zoo(attacks=("total-pgd", "dgba-pgd"), against=(None, "dgba-pgd, eps 4/255")):
    """Models over all degrees of sharing, whose damage rises with it if cleanly trained, else falls."""
    return [
        make_record(
            f"m{number}.{'clean' if adversary is None else 'at'}",
            attack,
            damage=dict.fromkeys(("segmentation", "depth", "normals"), 1 + (index if adversary is None else -index)),
            facts={"sharing_index": index, "adversary": adversary, "twin": None},
        )
        for adversary in against
        for number, index in enumerate(INDICES)
        for attack in attacks
    ]


def test_the_board_has_every_attack_by_training():
    (board,) = sharing_boards(group(zoo()))
    assert board.column("training") == ("clean",) * 2 + ("dgba-pgd, eps 4/255",) * 2
    assert [name.text for name in board.column("measure")] == ["dgba-pgd", "total-pgd"] * 2
    assert [round(rho.value, 6) for rho in board.column("rank_correlation")] == [1, 1, -1, -1]
    assert board.column("models") == (8,) * 4
    assert sharing_boards(group([make_record()])) == []


def test_the_plot_shows_the_standard_evaluation_where_all_have_it():
    (part,) = group(zoo())
    assert headline_attack(part) == "dgba-pgd"
    assert list(points(part)) == ["clean", "dgba-pgd, eps 4/255"]
    assert [point.sharing for point in points(part)["clean"]] == INDICES
    (part,) = group(zoo(("auto", "dgba-pgd")))
    assert headline_attack(part) == "auto"
    assert {"sharing.md", "tradeoff.png"} <= set(files(zoo()))

"""Rank correlations with sharing, and the board and the plot of them."""

from itertools import permutations

import numpy as np
import pytest
from helpers.make_records import CLEAN, make_clean_record, make_record
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from mtrbench.benchmark.stats import RESAMPLES, Bootstrapped, mean
from mtrbench.leaderboards.analysis import correlation
from mtrbench.leaderboards.analysis.correlation import rank_correlation, spearman
from mtrbench.leaderboards.analysis.families import families
from mtrbench.leaderboards.analysis.gain import gain_over
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.headline import headline_attack
from mtrbench.leaderboards.boards.sharing import NOTE, sharing_boards
from mtrbench.leaderboards.output.pages import files
from mtrbench.leaderboards.plots.tradeoff import points

INDICES = [0.0, 0.2, 0.4, 0.6, 0.7, 0.7, 0.8, 1.0]
TASKS = ("segmentation", "depth", "normals")


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
    found = rank_correlation(INDICES, rising).rho
    assert found.value == pytest.approx(1)
    assert rank_correlation(INDICES, rising[::-1]).rho.value < -0.9
    assert found.estimate().low == pytest.approx(1)


def test_an_interval_is_over_the_images_alone():
    xs = np.linspace(0, 1, 12)
    images = np.random.default_rng(1).normal(size=(12, RESAMPLES))
    blurred = rank_correlation(xs, [Bootstrapped(x, x + own) for x, own in zip(xs, images, strict=True)]).rho.estimate()
    assert blurred.low < 0.5 < blurred.high
    # What moves all scores of a resample alike changes no order in it.
    moved = rank_correlation(xs, [Bootstrapped(x, x + 10 * images[0]) for x in xs])
    assert moved.rho.replicates == pytest.approx(np.ones(RESAMPLES))


def test_many_correlations_at_once_are_those_one_by_one():
    x, y = np.random.default_rng(3).integers(0, 4, (2, 20, 7)).astype(float)
    y[5] = 1
    found = spearman(x, y)
    assert np.isnan(found[5])
    assert found == pytest.approx([float(spearman(*rows)) for rows in zip(x, y, strict=True)], nan_ok=True)


@pytest.mark.parametrize(
    ("xs", "ys"), [(range(5), (0, 2, 1, 3, 4)), ((0, 0, 1, 2, 2), (3, 1, 2, 5, 4)), (range(4), (3, 2, 1, 0))]
)
def test_p_is_the_share_of_orders_that_are_as_far_from_0(xs, ys):
    own = abs(spearmanr(xs, ys).statistic)
    expected = np.mean([abs(spearmanr(xs, order).statistic) >= own - 1e-9 for order in permutations(ys)])
    assert rank_correlation(xs, certain(map(float, ys))).p == pytest.approx(expected)


def test_p_of_a_sample_of_orders_is_that_of_all(monkeypatch):
    ys = certain([0.0, 3.0, 1.0, 2.0, 5.0, 4.0, 6.0, 7.0])
    exact = rank_correlation(INDICES, ys).p
    correlation._by_chance.cache_clear()
    monkeypatch.setattr(correlation, "EXACT", 7)
    assert 0 < rank_correlation(INDICES, ys).p == pytest.approx(exact, rel=0.15)
    correlation._by_chance.cache_clear()


def test_p_is_small_as_often_as_it_says():
    generator = np.random.default_rng(2)
    found = np.array([rank_correlation(INDICES, certain(generator.normal(size=8))).p for _ in range(400)])
    for level in (0.05, 0.2, 0.5):
        assert (found <= level).mean() <= level + 3 * np.sqrt(level * (1 - level) / len(found))
    assert (found <= 0.2).mean() > 0.1


def test_the_interval_is_unknown_if_a_scores_is():
    scores = certain(INDICES)
    scores[2].replicates[0] = np.nan
    found = rank_correlation(INDICES, scores).rho.estimate()
    assert found.value == pytest.approx(1)
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize("xs", [[0.0, 0.5, 1.0], [0.5] * 8])
def test_too_few_layouts_or_all_alike_have_none(xs):
    assert rank_correlation(xs, certain(range(len(xs)))) is None


def zoo(attacks=("total-pgd", "dgba-pgd"), against=(None, "dgba-pgd, eps 4/255"), network=None):
    """Models over all degrees of sharing, whose damage rises with it if cleanly trained, else falls."""
    return [
        make_record(
            f"m{number}.{'clean' if adversary is None else 'at'}{network or ''}",
            attack,
            damage=dict.fromkeys(TASKS, 2 + (index if adversary is None else -index)),
            facts={"sharing_index": index, "adversary": adversary, "twin": None, "architecture": network},
        )
        for adversary in against
        for number, index in enumerate(INDICES)
        for attack in attacks
    ]


def seeds(*damages, index, layout):
    """Models of one layout that fall so far, one per seed."""
    return [
        make_record(
            f"{layout}.seed{seed}",
            damage={"segmentation": damage, "depth": damage, "normals": 2 * damage},
            clean={**CLEAN, "depth": CLEAN["depth"] | dict.fromkeys(("abs_err", "rel_err"), 1 + 0.1 * seed)},
            facts={
                "sharing_index": index,
                "adversary": None,
                "twin": None if index == 0 else f"apart.seed{seed}",
                "layout": [layout],
                "seed": seed,
            },
        )
        for seed, damage in enumerate(damages)
    ]


def test_the_board_has_every_attack_by_training():
    (board,) = sharing_boards(group(zoo()))
    assert board.column("training") == ("clean-trained",) * 2 + ("trained against dgba-pgd, eps 4/255",) * 2
    assert [name.text for name in board.column("measure")] == ["dgba-pgd", "total-pgd"] * 2
    assert [round(rho.value, 6) for rho in board.column("rank_correlation")] == [1, 1, -1, -1]
    assert board.column("p") == pytest.approx([2 / 40320] * 4)  # two models may change places
    assert board.column("layouts") == (8,) * 4
    assert [ratio.value for ratio in board.column("shared_to_independent")] == pytest.approx([1.5, 1.5, 0.5, 0.5])
    assert sharing_boards(group([make_record()])) == []


def test_the_first_board_explains_them_all():
    (part,) = group(zoo())
    first, second = sharing_boards([part, part])
    assert NOTE in first.note
    assert NOTE not in second.note
    assert first.note.endswith(second.note)


def test_networks_do_not_mix():
    one, two = zoo(against=(None,), network="pkg:one"), zoo(against=(None,), network="pkg:two")
    (board,) = sharing_boards(group(one + two))
    assert [*dict.fromkeys(board.column("training"))] == ["clean-trained, pkg:one", "clean-trained, pkg:two"]
    assert board.column("layouts") == (8,) * 4


def test_a_layout_counts_once_whatever_its_seeds():
    apart, shared = seeds(1.0, 1.2, index=0.0, layout="apart"), seeds(2.0, 3.0, 4.0, index=1.0, layout="shared")
    between = [seeds(fall, index=index, layout=f"l{index}")[0] for index, fall in ((0.4, 1.5), (0.6, 1.3))]
    (part,) = group(apart + shared + between)
    (family,) = families(part)
    assert [len(models) for models in family.layouts] == [3, 1, 1, 2]
    assert (len(family.shared), len(family.independent)) == (3, 2)
    _, row = sharing_boards([part])[0].rows  # behind that of the clean gain
    values = dict(zip((column.name for column in sharing_boards([part])[0].columns), row, strict=True))
    assert values["layouts"] == 4
    assert values["rank_correlation"].value == pytest.approx(spearmanr([0, 0.4, 0.6, 1], [1.1, 1.5, 1.3, 3]).statistic)
    assert values["shared_to_independent"].value == pytest.approx(3 / 1.1)
    assert values["shared_to_independent_by_seed"] == "1.67, 2.00, 2.50, 3.00, 3.33, 4.00"


def test_gains_of_all_seeds_are_over_the_same_base():
    apart, shared = seeds(1.0, 1.0, index=0.0, layout="apart"), seeds(1.0, 1.0, index=1.0, layout="shared")
    (part,) = group([*apart, *shared, *(make_clean_record(record, 0.01) for record in apart + shared)])
    (family,) = families(part)
    gains = gain_over(part, family.models, family.independent)
    # Two of depth's five metrics are 1 and 1.1, and depth is one of three tasks.
    expected = 100 * 0.05 / 1.05 * 2 / 5 / 3
    assert [gains[model].value for model in family.models] == pytest.approx([expected, -expected] * 2)
    assert mean([gains[model] for model in family.independent]).value == pytest.approx(0)
    assert gain_over(part, family.models, ()) == {}


def test_the_plot_shows_the_standard_evaluation_where_all_have_it():
    (part,) = group(zoo())
    assert headline_attack(part) == "dgba-pgd"
    family, _ = families(part)
    shown = points(family, {model: certain([1.0])[0] for model in family.models})
    assert sorted(point.sharing for point in shown) == INDICES
    assert len({point.sharing + point.shift for point in shown}) == len(INDICES)
    (part,) = group(zoo(("auto", "dgba-pgd")))
    assert headline_attack(part) == "auto"
    assert {"sharing.md", "tradeoff.svg"} <= set(files(group(zoo())))


def test_further_seeds_are_told_apart():
    (part,) = group(seeds(1.0, 2.0, index=0.0, layout="apart"))
    (family,) = families(part)
    shown = points(family, {model: certain([1.0])[0] for model in family.models})
    assert [(point.model, point.first) for point in shown] == [("apart.seed0", True), ("apart.seed1", False)]

"""Scores and intervals against hand-worked values and known truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mtrbench.attacks.conformance.toys import Affine
from mtrbench.benchmark.protocol.estimates import LEVEL, Replicates, intervals, unpacked
from mtrbench.benchmark.protocol.tasks.registry import make_task
from mtrbench.benchmark.stats import (
    RESAMPLES,
    Bootstrapped,
    bootstrap_scores,
    degradation,
    mean,
    relative_degradation,
    relative_loss_change,
    resampling_weights,
    scores,
)


def constant(value: float) -> Bootstrapped:
    return Bootstrapped(value, np.full(RESAMPLES, value))


@pytest.mark.parametrize(
    ("clean", "attacked", "higher", "expected"),
    [
        (0.8, 0.2, True, 0.75),  # three quarters of the accuracy are gone
        (0.2, 0.8, True, -3.0),  # an attack that helps is negative damage
        (0.1, 0.4, False, 3.0),  # an error that grew fourfold
        (-2.0, -1.0, False, 0.5),  # the sign of the clean value does not turn the damage round
    ],
)
def test_relative_degradation_is_positive_for_damage(
    clean: float, attacked: float, higher: bool, expected: float
) -> None:
    found = relative_degradation(constant(clean), constant(attacked), higher)
    assert found.value == pytest.approx(expected)
    assert found.replicates == pytest.approx(np.full(RESAMPLES, expected))


def test_a_clean_value_of_zero_leaves_everything_undefined() -> None:
    part = relative_degradation(constant(0.0), constant(1.0), True)
    total = mean([part, constant(1.0)])
    assert total.estimate().value is None
    assert total.estimate().low is None


@given(arrays(np.float64, st.integers(0, 40), elements=st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf])))
def test_replicates_are_kept_to_a_part_of_their_range(values: np.ndarray) -> None:
    packed = Replicates.pack(values)
    found, known = unpacked([packed])[0], np.isfinite(values)
    assert np.array_equal(np.isfinite(found), known)
    # Half a level, and what rounding makes of a level that is smaller than any number.
    room = (packed.high - packed.low) * (0.5 / 65534 + 1e-12) + 65534 * np.finfo(np.float64).smallest_subnormal
    assert (np.abs(found[known] - values[known]) <= room).all()
    assert np.array_equal(unpacked([Replicates.pack(found)])[0], found, equal_nan=True)


def test_weights_are_resamples_and_the_same_for_the_same_number() -> None:
    weights = resampling_weights(9)
    assert weights.shape == (RESAMPLES, 9)
    assert (weights.sum(axis=1) == 9).all()
    assert np.array_equal(weights, resampling_weights(9))
    assert len({tuple(row) for row in weights}) > RESAMPLES // 2


def test_replicates_equal_scores_of_really_drawn_samples() -> None:
    task = make_task("depth")
    statistics = np.random.default_rng(0).uniform(1, 9, (6, 6))
    weights = resampling_weights(6)
    found = bootstrap_scores(task, statistics, weights)
    for row in (0, 7, RESAMPLES - 1):
        drawn = statistics[np.repeat(np.arange(6), weights[row].astype(int))]
        for name, value in task.scores(drawn.sum(axis=0)).items():
            assert found[name].replicates[row] == pytest.approx(float(value))


def test_loss_change_is_averaged_over_samples_with_a_loss() -> None:
    clean, attacked = np.array([1.0, 2.0, 0.0]), np.array([2.0, 8.0, 0.0])
    assert relative_loss_change(clean, attacked, resampling_weights(3)).value == pytest.approx((1 + 3) / 2)


def test_scores_by_hand() -> None:
    # Task a: values 1, 3 -> 2, 4 (means 2 -> 3: D = 0.5); task b: 4, 4 -> 8, 8 (D = 1).
    tasks = {"a": Affine(), "b": Affine()}
    clean = {"a": np.array([[1.0, 1.0], [1.0, 3.0]]), "b": np.array([[1.0, 4.0], [1.0, 4.0]])}
    attacked = {"a": np.array([[1.0, 2.0], [1.0, 4.0]]), "b": np.array([[1.0, 8.0], [1.0, 8.0]])}
    losses = [{task: values[:, 1] for task, values in part.items()} for part in (clean, attacked)]
    before, after = scores(tasks, clean), scores(tasks, attacked)
    assert (before["a"]["value"].value, after["a"]["value"].value) == (2.0, 3.0)
    found = degradation(tasks, before, after, *losses)
    assert found.tasks["a"].value == pytest.approx(0.5)
    assert found.ard.value == pytest.approx(0.75)
    assert found.worst_task.value == pytest.approx(0.5)
    assert found.losses["a"].value == pytest.approx((1 + 1 / 3) / 2)
    assert found.arlc.value == pytest.approx(((1 + 1 / 3) / 2 + 1) / 2)
    assert found.tasks["b"].low == found.tasks["b"].high == pytest.approx(1.0)
    assert found.replicates["a"].count == RESAMPLES


@pytest.mark.parametrize("truth", [0.5])
def test_intervals_cover_the_truth(truth: float) -> None:
    # 400 synthetic cells of 100 samples: a 95 % interval must hold the true mean in 92 to 98 % of them.
    generator = np.random.default_rng(5)
    weights = resampling_weights(100)
    hits = 0
    for _ in range(400):
        values = generator.exponential(truth, 100)
        estimate = bootstrap_scores(Affine(), np.stack([np.ones(100), values], axis=1), weights)["value"].estimate()
        assert estimate.low is not None
        assert estimate.high is not None
        hits += estimate.low <= truth <= estimate.high
    assert 0.92 <= hits / 400 <= 0.98


def test_one_image_has_no_interval() -> None:
    tasks = {"a": Affine()}
    found = scores(tasks, {"a": np.array([[1.0, 2.0]])})["a"]["value"]
    assert found.value == 2
    assert np.isnan(found.replicates).all()
    assert str(found.estimate()) == "2 [-]"
    assert np.isfinite(scores(tasks, {"a": np.array([[1.0, 2.0], [1.0, 3.0]])})["a"]["value"].replicates).all()
    alone = degradation(tasks, *[{"a": {"value": found}}] * 2, *[{"a": np.ones(1)}] * 2)
    assert (alone.ard.value, alone.ard.low, alone.arlc.value, alone.arlc.high) == (0, None, 0, None)


@given(arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 600)), elements=st.floats(-1e9, 1e9)))
def test_intervals_are_the_quantiles_of_each_row_to_the_digit(rows: np.ndarray) -> None:
    tail = (1 - LEVEL) / 2
    assert np.array_equal(np.array(intervals(rows)).T, np.quantile(rows, (tail, 1 - tail), axis=1))

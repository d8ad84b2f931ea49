"""The integer linear programs: CP-SAT, the closed form and brute force agree."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ortools.sat.python import cp_model

from mtrbench.attacks.ilp import SOLVERS, StepProgram, closed_form, cpsat, solve
from mtrbench.attacks.ilp.cpsat import spread
from mtrbench.benchmark.protocol.tally import tallying

# Gradients are heavy-tailed, repeat values, and hold exact zeros: all of it must come up.
COEFFICIENTS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 1e-30, -1e-30, 5e-324]),
    st.floats(-1e3, 1e3),
    st.floats(-1e-6, 1e-6),
)


def programs(width: st.SearchStrategy[int]) -> st.SearchStrategy[StepProgram]:
    return st.tuples(st.integers(1, 4), width).flatmap(
        lambda shape: arrays(np.float64, shape, elements=COEFFICIENTS).map(StepProgram)
    )


@settings(max_examples=150, deadline=None)
@given(programs(st.integers(1, 400)))
def test_ilp_cpsat_equals_the_closed_form_bit_for_bit(program: StepProgram) -> None:
    assert np.array_equal(cpsat(program), closed_form(program))


@settings(max_examples=60, deadline=None)
@given(programs(st.integers(1, 5)))
def test_ilp_solvers_equal_brute_force(program: StepProgram) -> None:
    steps = np.array(list(product((-1, 0, 1), repeat=program.rows.shape[1])), dtype=np.int8)
    best = max(program.value(step) for step in steps)
    for solver in SOLVERS.values():
        step = solver(program)
        assert set(step.tolist()) <= {-1, 0, 1}
        # Where a coefficient vanishes beside the others, several steps share the best value in floating point.
        assert program.value(step) == pytest.approx(best, rel=1e-12, abs=0)


@pytest.mark.parametrize("size", [12288, 200_000])
def test_ilp_of_a_whole_image(size: int) -> None:
    rows = np.random.default_rng(0).standard_t(2, (3, size))
    assert np.array_equal(cpsat(StepProgram(rows)), closed_form(StepProgram(rows)))


@pytest.mark.parametrize("solver", SOLVERS)
def test_ilp_of_nothing_moves_nothing(solver: str) -> None:
    assert not solve(np.zeros((2, 3, 7)), solver).any()


def test_ilp_solves_samples_apart() -> None:
    rows = np.random.default_rng(1).normal(size=(4, 2, 30))
    together = solve(rows, "cp-sat")
    for sample, step in zip(rows, together, strict=True):
        assert np.array_equal(solve(sample[None], "cp-sat")[0], step)


def test_ilp_states_and_gaps_are_tallied() -> None:
    rows = np.random.default_rng(2).normal(size=(3, 2, 30))
    rows[2] = 0
    with tallying() as found:
        solve(rows, "cp-sat")
    assert found.sums == {"cp-sat": 3, "optimal": 2, "zero": 1}
    assert found.peaks == {"gap": 0.0}


def test_ilp_falls_back_on_the_closed_form_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cp_model.CpSolver, "solve", lambda self, model: cp_model.UNKNOWN)
    program = StepProgram(np.random.default_rng(3).normal(size=(2, 30)))
    with tallying() as found:
        step = cpsat(program)
    assert np.array_equal(step, closed_form(program))
    assert found.sums == {"fallback": 1}


@settings(max_examples=100, deadline=None)
@given(arrays(np.int64, st.integers(1, 60), elements=st.integers(0, 5)), st.data())
def test_ilp_sums_spread_over_their_groups(groups: np.ndarray, data: st.DataObject) -> None:
    sizes = np.bincount(groups, minlength=6)
    sums = np.array([data.draw(st.integers(-n, n)) for n in sizes.tolist()])
    steps = spread(sums, groups)
    assert set(steps.tolist()) <= {-1, 0, 1}
    assert [int(steps[groups == group].sum()) for group in range(6)] == sums.tolist()

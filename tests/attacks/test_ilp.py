"""The integer linear programs: CP-SAT, the closed form and brute force agree."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ortools.sat.python import cp_model

from mtrbench.attacks.ilp import SOLVERS, closed_form, cpsat, solve
from mtrbench.attacks.ilp.coupled import solve_coupled
from mtrbench.attacks.ilp.cpsat import spread
from mtrbench.attacks.ilp.dual import solve_dual
from mtrbench.attacks.ilp.program import StepProgram
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
    rows = np.zeros((3, 6))
    assert not solve([StepProgram(rows), StepProgram(rows, upper=0), StepProgram(rows, max_pixels=1)], solver).any()


def bounded(width: st.SearchStrategy[int]) -> st.SearchStrategy[StepProgram]:
    """Programs each of whose coordinates may move both ways, one way, or not at all."""

    def made(program: StepProgram) -> st.SearchStrategy[StepProgram]:
        sides = arrays(np.int8, program.rows.shape[1], elements=st.integers(0, 1))
        return st.builds(lambda low, high: replace(program, lower=-low, upper=high), sides, sides)

    return programs(width).flatmap(made)


def few(pixels: st.SearchStrategy[int]) -> st.SearchStrategy[StepProgram]:
    """Programs over pixels of one to three channels of which some number may move, bounded or not."""

    def made(channels: int) -> st.SearchStrategy[StepProgram]:
        width = pixels.map(lambda count: channels * count)
        return st.builds(
            lambda program, most: replace(program, max_pixels=most, channels=channels),
            st.one_of(programs(width), bounded(width)),
            st.integers(1, 60),
        )

    return st.integers(1, 3).flatmap(made)


@settings(max_examples=100, deadline=None)
@given(st.one_of(bounded(st.integers(1, 200)), few(st.integers(1, 100))))
def test_ilp_bounded_and_sparse_programs_equal_the_closed_form_bit_for_bit(program: StepProgram) -> None:
    first, second = (solve([program], solver) for solver in ("cp-sat", "closed-form"))
    assert np.array_equal(first, second)


@settings(max_examples=80, deadline=None)
@given(st.one_of(bounded(st.integers(1, 6)), few(st.integers(1, 2))), st.integers(1, 3))
def test_ilp_bounded_and_sparse_programs_equal_brute_force(program: StepProgram, most: int) -> None:
    if program.max_pixels is not None:
        program = replace(program, max_pixels=most)
    every = np.array(list(product((-1, 0, 1), repeat=program.rows.shape[1])), dtype=np.int8)
    best = max(program.value(step) for step in every if program.allows(step))
    for solver in SOLVERS:
        (step,) = solve([program], solver)
        assert program.allows(step)
        # Sums of coefficients that cancel are known to the rounding of the largest of them only.
        assert program.value(step) == pytest.approx(best, rel=1e-12, abs=1e-12 * np.abs(program.rows).max())


@settings(max_examples=40, deadline=None)
@given(few(st.integers(1, 40)))
def test_ilp_few_pixels_move_and_those_as_if_alone(program: StepProgram) -> None:
    (step,), (free,) = solve([program]), solve([replace(program, max_pixels=None)])
    moved = program.by_pixel(step).any(axis=0)
    assert moved.sum() == min(program.max_pixels, program.by_pixel(free).any(axis=0).sum())
    assert np.array_equal(program.by_pixel(step)[:, moved], program.by_pixel(free)[:, moved])


def test_ilp_of_few_pixels_of_a_whole_image() -> None:
    rows = np.random.default_rng(9).standard_t(2, (3, 12288))
    program = StepProgram(rows, max_pixels=512)
    with tallying() as found:
        (step,) = solve([program])
    assert np.array_equal(step, closed_form(program))
    assert program.by_pixel(step).any(axis=0).sum() == 512
    assert found.sums == {"cp-sat": 1, "optimal": 1}
    assert found.peaks == {"gap": 0.0}


def test_ilp_equal_pixels_are_taken_in_order() -> None:
    program = StepProgram(np.ones((1, 12)), max_pixels=2)
    for solver in SOLVERS:
        assert np.array_equal(solve([program], solver)[0], [1, 1, 0, 0] * 3)


def test_ilp_takes_no_constraints_that_nothing_solves() -> None:
    for constraint in ({"max_pixels": 1}, {"upper": 0}, {"lower": np.zeros(3, dtype=np.int8)}):
        for coupling in ({"objective": "worst"}, {"protect": {0: 1.0}}):
            with pytest.raises(ValueError, match="neither bounds nor max_pixels"):
                StepProgram(np.ones((2, 3)), **coupling, **constraint)


def test_ilp_solves_samples_apart() -> None:
    programs = [StepProgram(rows) for rows in np.random.default_rng(1).normal(size=(4, 2, 30))]
    for program, step in zip(programs, solve(programs), strict=True):
        assert np.array_equal(solve([program])[0], step)


def test_ilp_leaves_interrupts_to_python() -> None:
    cpsat(StepProgram(np.array([[1.0, -2.0, 0.5]])))
    solve_coupled(StepProgram(np.random.default_rng(9).normal(size=(2, 30)), "worst"))
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)  # CP-SAT's own handler would leave one behind that ends the process


def test_ilp_states_and_gaps_are_tallied() -> None:
    rows = np.random.default_rng(2).normal(size=(3, 2, 30))
    rows[2] = 0
    with tallying() as found:
        solve([StepProgram(sample) for sample in rows])
    assert found.sums == {"cp-sat": 3, "optimal": 2, "zero": 1}
    assert found.peaks == {"gap": 0.0}


@pytest.mark.parametrize("constraint", [{}, {"lower": 0}, {"max_pixels": 4}], ids=str)
def test_ilp_falls_back_on_the_closed_form_and_says_so(
    constraint: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cp_model.CpSolver, "solve", lambda self, model: cp_model.UNKNOWN)
    program = StepProgram(np.random.default_rng(3).normal(size=(2, 30)), **constraint)
    with tallying() as found:
        (step,) = solve([program])
    assert np.array_equal(step, closed_form(program))
    assert found.sums == {"cp-sat": 1, "fallback": 1}


@settings(max_examples=100, deadline=None)
@given(arrays(np.int64, st.integers(1, 60), elements=st.integers(0, 5)), st.data())
def test_ilp_sums_spread_over_their_groups(groups: np.ndarray, data: st.DataObject) -> None:
    sizes = np.bincount(groups, minlength=6)
    sums = np.array([data.draw(st.integers(-n, n)) for n in sizes.tolist()])
    steps = spread(sums, groups)
    assert set(steps.tolist()) <= {-1, 0, 1}
    assert [int(steps[groups == group].sum()) for group in range(6)] == sums.tolist()


def coupled(width: st.SearchStrategy[int]) -> st.SearchStrategy[StepProgram]:
    """Programs of two to four rows: the worst of them, their sum with the first protected, or both."""
    values = st.floats(-10, 10).map(lambda value: round(value, 3))
    rows = st.tuples(st.integers(2, 4), width).flatmap(lambda shape: arrays(np.float64, shape, elements=values))

    def made(rows: np.ndarray, objective: str, share: float | None) -> StepProgram:
        limit = (share or 0) * np.abs(rows[0]).sum()
        return StepProgram(rows, objective, {0: limit} if limit > 0 else {})

    kinds = st.sampled_from([("worst", None), ("average", 0.01), ("average", 0.3), ("worst", 0.1)])
    return st.tuples(rows, kinds).map(lambda drawn: made(drawn[0], *drawn[1]))


@settings(max_examples=80, deadline=None)
@given(coupled(st.integers(1, 6)))
def test_ilp_coupled_programs_equal_brute_force(program: StepProgram) -> None:
    every = np.array(list(product((-1, 0, 1), repeat=program.rows.shape[1])), dtype=np.int8)
    # Limits are tightened by the rounding of integer coefficients, far less than this.
    tighter = replace(program, protect={row: limit * (1 - 1e-4) for row, limit in program.protect.items()})
    best = max(program.value(step) for step in every if tighter.allows(step))
    step, dual = solve_coupled(program), solve_dual(program)
    assert program.allows(step)
    assert program.value(step) >= best - 2e-4 * abs(dual.bound) - 1e-9
    assert dual.bound >= best - 1e-9


@pytest.mark.parametrize("scale", [1.0, 1e-9])
@pytest.mark.parametrize("kind", ["worst", "protected", "both"])
def test_ilp_coupled_programs_of_a_whole_image_reach_the_bound(kind: str, scale: float) -> None:
    rows = np.random.default_rng(5).standard_t(2, (3, 12288)) * np.array([[1.0], [3.0], [0.3]]) * scale
    limit = {} if kind == "worst" else {2: 0.01 * np.abs(rows[2]).sum()}
    program = StepProgram(rows, "average" if kind == "protected" else "worst", limit)
    with tallying() as found:
        step = solve_coupled(program)
    assert program.allows(step)
    assert found.sums == {"optimal": 1}
    assert program.value(step) >= (1 - 1e-4) * solve_dual(program).bound
    assert np.array_equal(step, solve_coupled(program))


def test_ilp_worst_task_leaves_none_behind() -> None:
    # The sum's best step sacrifices the small row; the worst task's does not.
    rows = np.random.default_rng(6).normal(size=(2, 400)) * np.array([[10.0], [1.0]])
    rows[1] -= 0.08 * rows[0]
    worst, average = solve_coupled(StepProgram(rows, "worst")), closed_form(StepProgram(rows))
    assert (rows @ worst).min() > 1.5 * (rows @ average).min()


def test_ilp_dual_of_two_rows_is_a_scan_of_their_mixtures() -> None:
    rows = np.random.default_rng(7).normal(size=(2, 50)) * np.array([[1.0], [4.0]])
    scan = min(np.abs(share * rows[0] + (1 - share) * rows[1]).sum() for share in np.linspace(0, 1, 20001))
    assert solve_dual(StepProgram(rows, "worst")).bound == pytest.approx(scan, rel=1e-4)


def test_ilp_without_an_answer_moves_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cp_model.CpSolver, "solve", lambda self, model: cp_model.UNKNOWN)
    with tallying() as found:
        step = solve_coupled(StepProgram(np.random.default_rng(8).normal(size=(2, 30)), "worst"))
    assert not step.any()
    assert found.sums == {"fallback": 1}

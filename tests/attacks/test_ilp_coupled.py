"""Integer programs with coupled rows: CP-SAT between the dual's signs and the dual's bound, and brute force."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ortools.sat.python import cp_model

from mtrbench import BadInputError
from mtrbench.attacks.ilp import CoupledProgram, solve_coupled
from mtrbench.attacks.ilp.coupled import _smallest, coupled
from mtrbench.attacks.ilp.dual import BALL, solve_dual
from mtrbench.benchmark.protocol.tally import tallying


def programs(width: st.SearchStrategy[int]) -> st.SearchStrategy[CoupledProgram]:
    """Programs of two to four rows: the worst of them, the last protected from their sum, or from the worst."""
    values = st.floats(-10, 10).map(lambda value: round(value, 3))
    rows = st.tuples(st.integers(2, 4), width).flatmap(lambda shape: arrays(np.float64, shape, elements=values))

    def made(rows: np.ndarray, attacked: str, share: float | None) -> CoupledProgram:
        rows = np.stack([rows[:-1].sum(axis=0), rows[-1]]) if attacked == "sum" else rows
        limit = (share or 0) * np.abs(rows[-1]).sum()
        return CoupledProgram(rows, (limit,) if limit > 0 else ())

    kinds = st.sampled_from([("each", None), ("sum", 0.01), ("sum", 0.3), ("each", 0.1)])
    return st.tuples(rows, kinds).map(lambda drawn: made(drawn[0], *drawn[1]))


@settings(max_examples=80, deadline=None)
@given(programs(st.integers(1, 6)))
@example(CoupledProgram(np.array([[1.0], [2.0], [-1.0]])))
def test_coupled_programs_equal_brute_force(program: CoupledProgram) -> None:
    every = np.array(list(product((-1, 0, 1), repeat=program.rows.shape[1])), dtype=np.int8)
    # Limits are tightened by the rounding of integer coefficients, far less than this.
    tighter = replace(program, limits=tuple(limit * (1 - 1e-4) for limit in program.limits))
    best = max(program.value(step) for step in every if tighter.allows(step))
    step, dual = coupled(program), solve_dual(program)
    assert program.allows(step)
    assert program.value(step) >= best - 2e-4 * abs(dual.bound) - 1e-9
    assert dual.bound >= best - 1e-9


@pytest.mark.parametrize("scale", [1.0, 1e-9])
@pytest.mark.parametrize("kind", ["worst", "protected", "both"])
def test_coupled_programs_of_a_whole_image_reach_the_bound(kind: str, scale: float) -> None:
    rows = np.random.default_rng(5).standard_t(2, (3, 12288)) * np.array([[1.0], [3.0], [0.3]]) * scale
    limits = () if kind == "worst" else (0.01 * np.abs(rows[2]).sum(),)
    program = CoupledProgram(np.stack([rows[0] + rows[1], rows[2]]) if kind == "protected" else rows, limits)
    with tallying() as found:
        step = coupled(program)
    assert program.allows(step)
    assert found.sums == {"optimal": 1}
    assert program.value(step) >= (1 - 1e-4) * solve_dual(program).bound
    assert np.array_equal(step, coupled(program))


def degenerate() -> dict[str, CoupledProgram]:
    """Programs of the size of images: rows that are alike, of few entries or of very different size; a slack limit."""
    rng = np.random.default_rng(11)
    dense, other, single = rng.standard_cauchy(12288), rng.standard_cauchy(12288), np.zeros(12288)
    single[5] = 3.0
    return {
        "opposite": CoupledProgram(np.stack([dense, -dense])),
        "equal": CoupledProgram(np.stack([dense, dense])),
        "opposite in one place": CoupledProgram(np.stack([single, -single])),
        "one place and all": CoupledProgram(np.stack([single, dense])),
        "one place protected": CoupledProgram(np.stack([dense, single]), (0.03,)),
        "mostly zeros": CoupledProgram(np.stack([dense, other]) * (rng.random((2, 12288)) < 0.02)),
        "slack limit": CoupledProgram(np.stack([dense, other]), (0.3 * np.abs(other).sum(),)),
        "sizes apart": CoupledProgram(np.stack([dense * 1e-2, other])),
        "sizes far apart": CoupledProgram(np.stack([dense * 1e-30, other * 1e25])),
        "far below 1": CoupledProgram(np.stack([dense, other]) * 1e-200),
    }


@pytest.mark.parametrize("name", degenerate())
def test_degenerate_programs_are_solved_as_well(name: str) -> None:
    program = degenerate()[name]
    with tallying() as found:
        assert program.allows(coupled(program))
    assert found.sums == {"optimal": 1}


def test_worst_task_leaves_none_behind() -> None:
    # The sum's best step sacrifices the small row; the worst task's does not.
    rows = np.random.default_rng(6).normal(size=(2, 400)) * np.array([[10.0], [1.0]])
    rows[1] -= 0.08 * rows[0]
    worst, average = coupled(CoupledProgram(rows)), np.sign(rows.sum(axis=0))
    assert (rows @ worst).min() > 1.5 * (rows @ average).min()


def test_dual_of_two_rows_is_a_scan_of_their_mixtures() -> None:
    rows = np.random.default_rng(7).normal(size=(2, 50)) * np.array([[1.0], [4.0]])
    scan = min(np.abs(share * rows[0] + (1 - share) * rows[1]).sum() for share in np.linspace(0, 1, 20001))
    assert solve_dual(CoupledProgram(rows)).bound == pytest.approx(scan, rel=1e-4)


def test_dual_over_the_ball_is_the_least_point_of_the_rows_hull() -> None:
    rows = np.random.default_rng(10).normal(size=(2, 60)) * np.array([[1.0], [2.0]])
    # On the line between two points the nearest to 0 lies where the line is at a right angle to the way there.
    share = float(np.clip(rows[1] @ (rows[1] - rows[0]) / ((rows[0] - rows[1]) @ (rows[0] - rows[1])), 0, 1))
    dual = solve_dual(CoupledProgram(rows), BALL)
    assert dual.bound == pytest.approx(np.linalg.norm(share * rows[0] + (1 - share) * rows[1]), rel=1e-5)
    assert dual.multipliers == pytest.approx([share, 1 - share], abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_dual_with_a_limit_is_a_scan_of_its_multiplier(seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(2, 4000))
    rows[1] = 0.3 * rows[0] + 7 * rows[1]
    limit = 0.01 * float(np.abs(rows[1]).sum())
    scan = min(np.abs(rows[0] + m * rows[1]).sum() + limit * abs(m) for m in np.linspace(-0.3, 0.3, 6001))
    assert solve_dual(CoupledProgram(rows, (limit,))).bound == pytest.approx(scan, rel=1e-5)


@given(st.integers(1, 3000), st.integers(1, 100), st.integers(1, 5))
def test_the_smallest_come_as_from_a_stable_sort(size: int, count: int, kinds: int) -> None:
    values = np.random.default_rng(size).integers(0, kinds * size, size).astype(float)
    assert np.array_equal(_smallest(values, count), np.argsort(values, kind="stable")[:count])


def test_without_an_answer_moves_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cp_model.CpSolver, "solve", lambda self, model: cp_model.UNKNOWN)
    with tallying() as found:
        step = coupled(CoupledProgram(np.random.default_rng(8).normal(size=(2, 30))))
    assert not step.any()
    assert found.sums == {"fallback": 1}


def test_programs_that_couple_nothing_are_solved_as_such() -> None:
    rows = np.random.default_rng(4).normal(size=(3, 3000))
    programs = [CoupledProgram(rows[:1]), CoupledProgram(rows[:0]), CoupledProgram(rows, (5.0,))]
    with tallying() as found:
        steps = solve_coupled(programs).numpy()
    assert np.array_equal(steps[0], np.sign(rows[0]))
    assert not steps[1].any()
    assert np.array_equal(steps[2], coupled(programs[2]))
    assert found.sums == {"cp-sat": 3, "optimal": 2, "zero": 1}


def test_rows_that_are_not_finite_are_refused() -> None:
    with pytest.raises(BadInputError, match="the model's gradient is not finite"):
        solve_coupled([CoupledProgram(np.array([[1.0, np.nan], [0.0, 1.0]]))])


def test_interrupts_are_left_to_python() -> None:
    coupled(CoupledProgram(np.random.default_rng(9).normal(size=(2, 30))))
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)  # CP-SAT's own handler would leave one behind that ends the process

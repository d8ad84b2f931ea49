"""Integer programs without coupled rows: CP-SAT per batch, CP-SAT per image, the closed form and brute force agree."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.programs import allowed, bounded, every_kind, every_step, few, free, random_programs, values
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model
from torch import Tensor

from mtrbench import BadInputError
from mtrbench.attacks.ilp import SOLVERS, SeparablePrograms, closed_form, solve
from mtrbench.attacks.ilp.levels import by_level, levels_of
from mtrbench.attacks.ilp.sparse import by_pixel
from mtrbench.benchmark.protocol.tally import Tally, tallying

IMAGES = MOST = st.integers(1, 3)

every_solver = pytest.mark.parametrize("solver", SOLVERS)


def solved(programs: SeparablePrograms, solver: str = "cp-sat") -> tuple[Tensor, Tally]:
    with tallying() as found:
        steps = solve(programs, solver)
    assert steps.dtype == torch.int8
    return steps, found


@settings(max_examples=200, deadline=None)
@given(every_kind(size=200, images=5))
def test_a_batch_is_its_images_bit_for_bit_with_the_same_counts(programs: SeparablePrograms) -> None:
    steps, found = solved(programs)
    apart, tallies = zip(*(solved(programs.image(i)) for i in range(len(programs))), strict=True)
    assert torch.equal(steps, torch.cat(apart))
    together = Tally()
    for one in tallies:
        together.merge(one)
    assert found == together


@settings(max_examples=200, deadline=None)
@given(every_kind(size=200, images=3))
def test_cpsat_equals_the_closed_form_bit_for_bit(programs: SeparablePrograms) -> None:
    assert torch.equal(solve(programs), closed_form(programs))


@settings(max_examples=100, deadline=None)
@given(st.one_of(*(kind(st.integers(1, 5), IMAGES) for kind in (free, bounded)), few(st.integers(1, 2), IMAGES)), MOST)
def test_solvers_equal_brute_force(programs: SeparablePrograms, most: int) -> None:
    if programs.max_pixels is not None:
        programs = replace(programs, max_pixels=most)
    for i in range(len(programs)):
        program = programs.image(i)
        every = every_step(program.coefficients.shape[1])
        copies = replace(program, coefficients=program.coefficients.expand(len(every), -1))
        best = float(values(copies, every)[allowed(copies, every)].max())
        for solver in SOLVERS:
            step = solve(programs, solver)[i : i + 1]
            assert bool(allowed(program, step))
            # Where a coefficient vanishes beside the others, several steps share the best value in floating point.
            assert float(values(program, step)) == pytest.approx(best, rel=1e-12, abs=0)


@pytest.mark.parametrize("shape", [(3, 12288), (1, 200_000)])
def test_whole_images(shape: tuple[int, int]) -> None:
    programs = random_programs(*shape)
    steps, found = solved(programs)
    assert torch.equal(steps, closed_form(programs))
    assert found.sums == {"cp-sat": len(programs), "optimal": len(programs)}
    assert found.peaks == {"gap": 0.0}


def test_a_batch_has_no_more_variables_than_an_image() -> None:
    for images in (1, 40):
        reduced = by_level(random_programs(images, 12288))
        assert reduced.asked == images
        assert len(reduced.values) <= 127


@every_solver
def test_nothing_to_gain_moves_nothing(solver: str) -> None:
    nothing = SeparablePrograms(torch.zeros(2, 6))
    for programs in (nothing, replace(nothing, upper=0), replace(nothing, max_pixels=1)):
        assert not solve(programs, solver).any()


@every_solver
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_coefficients_that_are_not_finite_are_refused(solver: str, value: float) -> None:
    coefficients = torch.ones(2, 6)
    coefficients[1, 2] = value
    with pytest.raises(BadInputError, match="the model's gradient is not finite"):
        solve(SeparablePrograms(coefficients), solver)


# Few pixels.


@settings(max_examples=40, deadline=None)
@given(few(st.integers(1, 40), st.integers(1, 3)))
def test_few_pixels_move_and_those_as_if_alone(programs: SeparablePrograms) -> None:
    steps, free = solve(programs), solve(replace(programs, max_pixels=None))
    moved, able = (programs.by_pixel(found).any(dim=1) for found in (steps, free))
    assert torch.equal(moved.sum(dim=1), able.sum(dim=1).clamp(max=programs.max_pixels))
    as_if_alone = programs.by_pixel(free) * moved.unsqueeze(1)
    assert torch.equal(programs.by_pixel(steps), as_if_alone)


def test_few_pixels_of_whole_images() -> None:
    programs = replace(random_programs(2, 12288), max_pixels=512)
    steps, found = solved(programs)
    assert torch.equal(steps, closed_form(programs))
    assert (programs.by_pixel(steps).any(dim=1).sum(dim=1) == 512).all()
    assert found.sums == {"cp-sat": 2, "optimal": 2}
    assert found.peaks == {"gap": 0.0}


@every_solver
def test_equal_pixels_are_taken_in_order(solver: str) -> None:
    step = solve(SeparablePrograms(torch.ones(1, 12), max_pixels=2), solver)
    assert step.tolist() == [[1, 1, 0, 0] * 3]


# Integers back to steps: CP-SAT's may be any within the bounds if its limit stops it.


@settings(max_examples=100, deadline=None)
@given(bounded(st.integers(1, 60), st.integers(1, 3)), st.data())
def test_steps_have_the_sums_that_were_found(programs: SeparablePrograms, data: st.DataObject) -> None:
    reduced = by_level(programs)
    numbers = drawn(data, zip(reduced.low.tolist(), reduced.high.tolist(), strict=True))
    steps = reduced.steps(numbers)
    assert allowed(programs, steps).all()
    towards = steps * programs.coefficients.sign().long()
    assert int((levels_of(programs.coefficients.abs()) * towards).sum()) == reduced.values @ numbers


@settings(max_examples=100, deadline=None)
@given(few(st.integers(1, 60), st.integers(1, 3)), st.data())
def test_pixels_move_as_many_as_were_found(programs: SeparablePrograms, data: st.DataObject) -> None:
    reduced = by_pixel(programs)
    numbers = drawn(data, ((0, high) for high in reduced.high.tolist()))
    if any(numbers[places].sum() > most for places, most in reduced.limits):
        return
    steps, free = reduced.steps(numbers), by_pixel(replace(programs, max_pixels=None))
    assert allowed(programs, steps).all()
    best = free.steps(free.high)
    gains = (programs.by_pixel(programs.coefficients.double()) * programs.by_pixel(best)).sum(dim=1)
    moved = programs.by_pixel(steps).any(dim=1)
    assert int((levels_of(gains) * moved).sum()) == reduced.values @ numbers


def drawn(data: st.DataObject, ranges: Iterable[tuple[int, int]]) -> np.ndarray:
    """An integer in each range."""
    return np.array([data.draw(st.integers(low, high)) for low, high in ranges], dtype=np.int64)


# Limits and fallbacks: per image.


def fail_calls(monkeypatch: pytest.MonkeyPatch, *calls: int) -> None:
    """CP-SAT finds nothing in these of its calls, counted from 0; in any, without calls."""
    real, count = cp_model.CpSolver.solve, iter(range(1000))

    def solve(self: cp_model.CpSolver, model: cp_model.CpModel) -> object:
        return cp_model.UNKNOWN if next(count) in (calls or range(1000)) else real(self, model)

    monkeypatch.setattr(cp_model.CpSolver, "solve", solve)


CONSTRAINTS = pytest.mark.parametrize("constraint", [{}, {"lower": 0}, {"max_pixels": 4}], ids=str)


@CONSTRAINTS
def test_the_closed_form_steps_in_and_is_counted(constraint: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    fail_calls(monkeypatch)
    programs = replace(random_programs(3, 30), **constraint)
    steps, found = solved(programs)
    assert torch.equal(steps, closed_form(programs))
    assert found.sums == {"cp-sat": 3, "fallback": 3}
    assert found.peaks == {}


@CONSTRAINTS
def test_a_batch_without_a_proof_is_solved_image_by_image(
    constraint: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = replace(random_programs(4, 30), **constraint)
    programs.coefficients[3] = 0
    fail_calls(monkeypatch, 0, 2)  # the batch, and its second image
    steps, found = solved(programs)
    assert torch.equal(steps, closed_form(programs))
    assert found.sums == {"cp-sat": 4, "optimal": 2, "fallback": 1, "zero": 1}


def test_states_and_gaps_are_tallied() -> None:
    programs = random_programs(3, 60)
    programs.coefficients[2] = 0
    _, found = solved(programs)
    assert found.sums == {"cp-sat": 3, "optimal": 2, "zero": 1}
    assert found.peaks == {"gap": 0.0}


def test_interrupts_are_left_to_python() -> None:
    solve(random_programs(2, 3))
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)  # CP-SAT's own handler would leave one behind that ends the process

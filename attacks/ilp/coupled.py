"""Coupled step programs: what their dual decides, and OR-Tools CP-SAT on the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...benchmark.protocol.tally import tally
from .coupled_program import CoupledProgram, Floats, Step
from .dual import solve_dual
from .open_model import best_step
from .open_part import OpenPart

# Coordinates left to CP-SAT at first; the dual decides the others. Multiplied where that is too few.
OPEN = 64
GROWTH = 8
# The gap to the dual's bound below which the search ends.
GAP = 1e-4


def coupled(program: CoupledProgram) -> Step:
    """A step within the limits whose distance to the optimum is known, by CP-SAT on what the dual leaves open.

    With the dual's multipliers m, r_i = sign(sum_t m_t row_ti) is right wherever that sum is not close to 0. The
    coordinates where it is smallest are CP-SAT's: integers in {-1, 0, 1} under the program's own constraints, the
    others held at their signs. Where an answer is not within 1e-4 of the bound, more coordinates are left open, once;
    where there is none within the limits, until there is; and at last those where most of the sum cancels, which are
    the right ones if a few entries are far larger than the others. The relative gap to the bound is tallied, with
    `optimal` (within 1e-4) or `feasible`; `zero` counts programs with a row that gains nothing by any step, `fallback`
    those without any answer: both move nothing, which no limit forbids.
    """
    rows, attacked, size = program.rows, program.attacked, program.rows.shape[1]
    nothing: Step = np.zeros(size, dtype=np.int8)
    if not rows[:attacked].any(axis=1).all():
        tally().count("zero")
        return nothing
    dual = solve_dual(program)
    combined = program.combined(dual.multipliers)
    signs = np.sign(combined).astype(np.int8)
    # Where no row has anything, nothing is in doubt.
    doubts = np.where(rows.any(axis=0), np.abs(combined), np.inf)
    answers: list[tuple[float, Step]] = []

    def attempt(places: NDArray[np.int64]) -> bool:
        """Whether with CP-SAT's answer on these places one is close to the bound."""
        step = signs.copy()
        step[places] = 0
        part = OpenPart(rows[:, places], program.gains(step), program.limits, dual.bound, signs[places])
        answer = best_step(part, GAP / 2)
        if answer is not None:
            step[places] = answer
            gains = program.gains(step)
            if program.keeps(gains):
                answers.append((float(gains[:attacked].min()), step))
        return max((value for value, _ in answers), default=0.0) >= (1 - GAP) * dual.bound

    count, close = OPEN, attempt(_smallest(doubts, OPEN))
    while count < size and not (answers and (close or count > OPEN)):
        count *= GROWTH
        close = attempt(_smallest(doubts, count))
    if not close and size > OPEN:
        terms = np.einsum("t,td->d", np.abs(dual.multipliers), np.abs(rows))
        close = attempt(_smallest(doubts / np.where(terms > 0, terms, 1.0), OPEN * GROWTH))
    if not answers:
        tally().count("fallback")
        return nothing
    least, best = max([(0.0, nothing), *answers], key=lambda answer: answer[0])
    tally().count("optimal" if close else "feasible")
    tally().peak("gap", max(1 - least / dual.bound, 0.0) if dual.bound > 0 else 0.0)
    return best


def _smallest(values: Floats, count: int) -> NDArray[np.int64]:
    """The places of the `count` smallest values in rising order, equal ones in their order."""
    if count >= len(values):
        return np.argsort(values, kind="stable").astype(np.int64)
    some = values[::8]  # as many of these are about where eight times as many of all are
    places = np.flatnonzero(values <= np.partition(some, count // 4)[count // 4]) if count < len(some) else values[:0]
    if len(places) < count:
        places = np.flatnonzero(values <= np.partition(values, count - 1)[count - 1])
    return places[np.argsort(values[places], kind="stable")][:count].astype(np.int64)

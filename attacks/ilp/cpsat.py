"""Step programs without coupled rows in OR-Tools CP-SAT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from ...benchmark.protocol.tally import tally
from .closed_form import closed_form
from .program import Floats, Step, StepProgram

# Coefficients are quantised to this many bits, sign included, so that many coordinates fall together.
BITS = 8
# CP-SAT's own deterministic unit of work, not seconds: a program that fits it does so on every machine.
WORK_LIMIT = 10.0


def cpsat(program: StepProgram) -> Step:
    """The optimum over integers of a program whose coordinates contribute apart, by CP-SAT.

    The coefficients c are scaled to integers k of `BITS` bits. The n coordinates of equal |k| > 0 and equal bounds
    [a, b] on sign(c_i) r_i become one integer variable on [n a, n b], the sum of their sign(c_i) r_i, which is exact
    since nothing else enters the objective: fewer than 2^(BITS - 1) variables whatever the image's size, if all have
    the same bounds. Coordinates with k = 0 are free in the integer program, and follow the sign of c. The states
    `optimal`, `feasible`, `zero` (no gradient at all) and `fallback` (no solution within the limit: the closed form is
    used) are tallied, with the largest relative gap.
    """
    exact = program.coefficients
    signs = np.sign(exact).astype(np.int8)
    if not signs.any():
        tally().count("zero")
        return signs
    # What sign(c_i) r_i is at least and at most.
    low = np.where(signs < 0, np.negative(program.upper), program.lower)
    high = np.where(signs < 0, np.negative(program.lower), program.upper)
    groups = 4 * quantised(np.abs(exact)) - 2 * low + high
    least, answer = (np.bincount(groups, weights=bound).astype(np.int64) for bound in (low, high))
    values = np.arange(len(answer)) // 4
    ours = np.flatnonzero((values > 0) & (least < answer))
    found = maximise(values[ours], least[ours], answer[ours])
    if found is None:
        return closed_form(program)
    answer[ours] = found
    return spread(answer, groups) * signs


def repeatable_solver(work: float) -> cp_model.CpSolver:
    """One worker, a fixed seed and a limit in CP-SAT's deterministic units: the same program gets the same answer."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = work
    solver.parameters.catch_sigint_signal = False  # or an interrupt after a solve kills the process
    return solver


def quantised(magnitudes: Floats) -> NDArray[np.int64]:
    """Magnitudes, not all 0, as integers in 0 to 2^(BITS - 1) - 1, the largest of them at the top."""
    levels: NDArray[np.int64] = np.rint(magnitudes / magnitudes.max() * (2 ** (BITS - 1) - 1)).astype(np.int64)
    return levels


def maximise(
    values: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64], most: int | None = None
) -> NDArray[np.int64] | None:
    """The integers low <= s <= high, of sum `most` at most, with the largest <values, s>; None if CP-SAT has none.

    Tallies the state, and the relative gap to the bound.
    """
    model = cp_model.CpModel()
    # Written as CP-SAT reads it: to build expressions takes longer than to solve the program.
    program, every = model.proto, range(len(values))
    for bounds in zip(low.tolist(), high.tolist(), strict=True):
        program.variables.add().domain.extend(bounds)
    program.objective.vars.extend(every)
    program.objective.coeffs.extend(np.negative(values).tolist())
    program.objective.scaling_factor = -1.0  # it minimises, and reports the negative
    if most is not None:
        limit = program.constraints.add().linear
        limit.vars.extend(every)
        limit.coeffs.extend([1] * len(values))
        limit.domain.extend([int(low.sum()), most])
    solver = repeatable_solver(WORK_LIMIT)
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        tally().count("fallback")
        return None
    tally().count("optimal" if status == cp_model.OPTIMAL else "feasible")
    bound = solver.best_objective_bound
    tally().peak("gap", abs(bound - solver.objective_value) / max(abs(bound), 1.0))
    return np.array(solver.response_proto.solution, dtype=np.int64)


def spread(sums: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int8]:
    """Steps y in {-1, 0, 1}^d whose sum over the coordinates of each group g is `sums[g]`, the first ones moving."""
    sizes = np.bincount(groups, minlength=len(sums))
    steps = np.sign(sums).astype(np.int8)[groups]
    for group in np.flatnonzero(np.abs(sums) < sizes):
        steps[np.flatnonzero(groups == group)[abs(sums[group]) :]] = 0
    return steps

"""The step program in OR-Tools CP-SAT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from ...benchmark.protocol.tally import tally
from .closed_form import closed_form
from .program import StepProgram

# Coefficients are quantised to this many bits, sign included, so that many coordinates fall together.
BITS = 10
# CP-SAT's own deterministic unit of work, not seconds: a program that fits it does so on every machine.
WORK_LIMIT = 10.0


def cpsat(program: StepProgram) -> NDArray[np.int8]:
    """The optimum of the step program over integers, by CP-SAT.

    The coefficients are scaled to integers of `BITS` bits; the n coordinates of equal coefficient c become one
    integer variable on [-n, n], their sum, which is exact since only the sum enters the objective: at most
    2^BITS - 1 variables whatever the image's size. Coordinates whose coefficient rounds to 0 are free in the integer
    program, and take the sign of the unquantised one. Fixed seed, one worker, deterministic limit: results repeat.
    The states `optimal`, `feasible` and `fallback` (no solution in the limit: the closed form is used) are tallied,
    with the largest relative gap.
    """
    exact = program.coefficients
    scale = np.abs(exact).max(initial=0.0)
    if scale == 0:
        tally().count("zero")
        return np.zeros(exact.shape, dtype=np.int8)
    top = 2 ** (BITS - 1) - 1
    integers = np.rint(exact / scale * top).astype(np.int64)
    sizes = np.bincount(integers + top, minlength=2 * top + 1)
    values = np.flatnonzero(sizes) - top

    model = cp_model.CpModel()
    sums = [model.new_int_var(-n, n, "") for n in sizes[values + top].tolist()]
    model.maximize(cp_model.LinearExpr.weighted_sum(sums, values.tolist()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = WORK_LIMIT
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        tally().count("fallback")
        return closed_form(program)
    tally().count("optimal" if status == cp_model.OPTIMAL else "feasible")
    bound = solver.best_objective_bound
    tally().peak("gap", abs(bound - solver.objective_value) / max(abs(bound), 1.0))
    return _spread(np.array([solver.value(total) for total in sums]), values, integers, exact)


def _spread(
    sums: NDArray[np.int64], values: NDArray[np.int64], integers: NDArray[np.int64], exact: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Give each group's sum back to its coordinates: |sum| of them take its sign, the rest stay 0."""
    step = np.sign(exact).astype(np.int8)
    order = np.argsort(integers, kind="stable")
    starts = np.searchsorted(integers[order], values)
    ends = np.searchsorted(integers[order], values, side="right")
    for total, value, start, end in zip(sums, values, starts, ends, strict=True):
        if value != 0:
            members = order[start:end]
            step[members] = 0
            step[members[: abs(total)]] = np.sign(total)
    return step

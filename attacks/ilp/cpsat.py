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

    The coefficients c are scaled to integers k of `BITS` bits. The n coordinates of equal |k| > 0 become one integer
    variable on [-n, n], the sum of their sign(c_i) r_i, which is exact since nothing else enters the objective: fewer
    than 2^(BITS - 1) variables whatever the image's size. Coordinates with k = 0 are free in the integer program, and
    take the sign of c. Fixed seed, one worker, deterministic limit: results repeat. The states `optimal`, `feasible`,
    `zero` (no gradient at all) and `fallback` (no solution within the limit: the closed form is used) are tallied, with
    the largest relative gap.
    """
    exact = program.coefficients
    scale = np.abs(exact).max(initial=0.0)
    if scale == 0:
        tally().count("zero")
        return np.zeros(exact.shape, dtype=np.int8)
    levels = np.rint(np.abs(exact) / scale * (2 ** (BITS - 1) - 1)).astype(np.int64)
    sizes = np.bincount(levels)
    values = np.flatnonzero(sizes[1:]) + 1

    model = cp_model.CpModel()
    sums = [model.new_int_var(-n, n, "") for n in sizes[values].tolist()]
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
    answer = np.zeros_like(sizes)
    answer[0], answer[values] = sizes[0], solver.response_proto.solution
    return spread(answer, levels) * np.sign(exact).astype(np.int8)


def spread(sums: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int8]:
    """Steps y in {-1, 0, 1}^d whose sum over the coordinates of each group g is `sums[g]`, the first ones moving."""
    sizes = np.bincount(groups, minlength=len(sums))
    steps = np.sign(sums).astype(np.int8)[groups]
    for group in np.flatnonzero(np.abs(sums) < sizes):
        steps[np.flatnonzero(groups == group)[abs(sums[group]) :]] = 0
    return steps

"""Coupled step programs in OR-Tools CP-SAT: least of several rows, protected rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from ...benchmark.protocol.tally import tally
from .coupled_program import CoupledProgram, Step
from .dual import solve_dual
from .maximise import repeatable_solver

# Coordinates left to CP-SAT at first; the dual decides the others. Multiplied until there is an answer.
FREE = 128
GROWTH = 8
# Integer coefficients of the largest row entry among the free coordinates.
TOP = 2**20
# The gap to the dual's bound below which the search ends, and its limit in CP-SAT's deterministic units.
GAP = 1e-4
WORK_LIMIT = 0.05


def coupled(program: CoupledProgram) -> Step:
    """A step within the limits whose distance to the optimum is known, by CP-SAT on what the dual leaves open.

    With the dual's multipliers m, r_i = sign(sum_t m_t a_ti) is right wherever that sum is not close to 0. The
    coordinates where it is smallest are CP-SAT's: integers in {-1, 0, 1} under the program's own constraints, the
    others held at their signs. Limits are tightened by the rounding of the coefficients, so they hold exactly. The
    relative gap to the dual's bound is tallied, with `optimal` (within 1e-4 of the bound) or `feasible`; `fallback`
    counts programs without any answer, which move nothing: the one step that no limit forbids.
    """
    size = program.rows.shape[1]
    if not program.rows[program.attacked].any():
        tally().count("zero")
        return np.zeros(size, dtype=np.int8)
    dual = solve_dual(program)
    combined = program.combined(dual.multipliers)
    order = np.argsort(np.abs(combined), kind="stable")
    free = FREE
    while True:
        step = _solve_free(program, np.sign(combined).astype(np.int8), order[:free], dual.bound)
        if step is not None or free >= size:
            break
        free *= GROWTH
    if step is None:
        tally().count("fallback")
        return np.zeros(size, dtype=np.int8)
    gap = (dual.bound - program.value(step)) / abs(dual.bound) if dual.bound else 0.0
    tally().count("optimal" if gap <= GAP else "feasible")
    tally().peak("gap", max(gap, 0.0))
    return step


def _solve_free(program: CoupledProgram, signs: Step, free: NDArray[np.int64], bound: float) -> Step | None:
    """The best step that differs from `signs` at the `free` coordinates only, or None if none is within the limits."""
    fixed = signs.copy()
    fixed[free] = 0
    rows = program.rows[:, free]
    scale = TOP / max(float(np.abs(rows).max(initial=0.0)), 1e-300)
    integers, constants = np.rint(rows * scale).astype(np.int64), program.gains(fixed) * scale
    model = cp_model.CpModel()
    steps = [model.new_int_var(-1, 1, "") for _ in free]
    for variable, sign in zip(steps, signs[free].tolist(), strict=True):
        model.add_hint(variable, sign)

    def gain(row: int) -> cp_model.LinearExprT:
        return cp_model.LinearExpr.weighted_sum(steps, integers[row].tolist())

    # More than the free coordinates can move any row: numbers beyond it mean the same, and would overflow.
    reach = int(np.abs(integers).sum(axis=1).max()) + 1
    for row, limit in program.protect.items():
        # Each free coordinate may be off by half an integer.
        room = limit * scale - len(free) / 2
        low, high = np.clip([-room - constants[row], room - constants[row]], -2 * reach, 2 * reach)
        model.add_linear_constraint(gain(row), int(np.ceil(low)), int(np.floor(high)))
    if program.objective == "average":
        attacked = integers[program.attacked].sum(axis=0)
        model.maximize(cp_model.LinearExpr.weighted_sum(steps, attacked.tolist()))
    else:
        # Counted from the row that is last without them.
        last = float(constants[program.attacked].min())
        least = model.new_int_var(-reach, reach, "least")
        for row in program.attacked:
            model.add(gain(row) + int(min(constants[row] - last, 2 * reach)) >= least)
        model.maximize(least)
    solver = repeatable_solver(WORK_LIMIT)
    solver.parameters.absolute_gap_limit = max(GAP / 2 * abs(bound) * scale, 1.0)
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    found = fixed
    found[free] = np.array(solver.response_proto.solution)[: len(free)]
    return found if program.allows(found) else None

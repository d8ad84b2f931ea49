"""The open part of a coupled program in OR-Tools CP-SAT."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from ortools.sat.python import cp_model

from .coupled_program import Step
from .maximise import Model, repeatable_solver
from .open_part import OpenPart

# Integer coefficients of the largest row entry.
TOP = 2**20
# CP-SAT's limit, in its deterministic units.
WORK_LIMIT = 0.05


def best_step(part: OpenPart, gap: float) -> Step | None:
    """CP-SAT's step within `gap` of the bound, or its best within the work limit; None if it has none in the limits.

    It starts from the repaired step, and knows the dual's bound. Coefficients are rounded to integers, and limits
    tightened by what that may amount to, so that they hold exactly.
    """
    attacked, count = part.attacked, len(part.signs)
    # Attacked rows are compared with one another, a protected one with its own limit.
    largest = np.abs(part.rows).max(axis=1)
    largest[:attacked] = largest[:attacked].max()
    scales = TOP / np.maximum(largest, 1e-300)
    exact = part.rows * scales[:, None]
    integers = np.rint(exact).astype(np.int64)
    rooms = np.abs(integers - exact).sum(axis=1)
    limits = part.limits - rooms[attacked:] / scales[attacked:]
    if (limits <= 0).any():
        return None
    hint = part.repaired(limits, gap / 2)
    # More than the open coordinates can move any row: numbers beyond it mean the same, and would overflow.
    reach = int(np.abs(integers).sum(axis=1).max()) + 1
    # Attacked rows are counted from the one that is last without the open coordinates.
    last, scale = float(part.held[:attacked].min()), float(scales[0])
    offsets = np.minimum(part.held[:attacked] - last, 2 * reach / scale)
    offsets = np.floor(offsets * scale).astype(np.int64)
    most = int(min(max((part.bound - last) * scale + rooms[:attacked].max(), -reach), reach)) + 1
    least = int((np.einsum("rn,n->r", integers[:attacked], hint) + offsets).min())

    model = Model()
    # Written as CP-SAT reads it: to build expressions takes longer than to solve the program.
    program = model.proto
    variable = program.variables.add()
    variable.domain.extend((-1, 1))
    program.variables.extend([variable] * (count - 1))  # copies, in a sixth of the time that to add each takes
    program.variables.add().domain.extend((-reach, most))  # the least gain
    for row, offset in zip(integers[:attacked].tolist(), offsets.tolist(), strict=True):
        _bound(program, [*row, -1], -offset, 8 * reach)
    for row, by, held, limit in zip(
        integers[attacked:].tolist(),
        scales[attacked:].tolist(),
        part.held[attacked:].tolist(),
        limits.tolist(),
        strict=True,
    ):
        low, high = (min(max(end * by, -2 * reach), 2 * reach) for end in (-limit - held, limit - held))
        if math.ceil(low) > math.floor(high):
            return None
        _bound(program, row, math.ceil(low), math.floor(high))
    program.objective.vars.append(count)
    program.objective.coeffs.append(-1)
    program.objective.scaling_factor = -1.0  # it minimises
    program.solution_hint.vars.extend(range(count + 1))
    program.solution_hint.values.extend([*hint.tolist(), min(least, most)])
    solver = repeatable_solver(WORK_LIMIT)
    solver.parameters.cp_model_presolve = False  # which takes longer than the search
    solver.parameters.absolute_gap_limit = max(gap * part.bound * scale, 1.0)
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    return np.array(solver.response_proto.solution, dtype=np.int64)[:count].astype(np.int8)


def _bound(program: cp_model.CpModelProto, coefficients: Sequence[int], low: int, high: int) -> None:
    """Low <= <coefficients, the first variables> <= high."""
    linear = program.constraints.add().linear
    linear.vars.extend(range(len(coefficients)))
    linear.coeffs.extend(coefficients)
    linear.domain.extend((low, high))

"""The open part of a coupled program in OR-Tools CP-SAT."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ortools.sat.python import cp_model

from .coupled_program import Step
from .maximise import repeatable_solver
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
    scale = TOP / max(float(np.abs(part.rows).max(initial=0.0)), 1e-300)
    integers = np.rint(part.rows * scale).astype(np.int64)
    room = count / 2  # each coordinate may be off by half an integer
    # More than the open coordinates can move any row: numbers beyond it mean the same, and would overflow.
    reach = int(np.abs(integers).sum(axis=1).max(initial=0)) + 1
    # Attacked rows are counted from the one that is last without the open coordinates.
    last = float(part.held[:attacked].min())
    offsets = np.minimum((part.held[:attacked] - last) * scale, 2 * reach).astype(np.int64)
    most = int(np.clip(np.ceil((part.bound - last) * scale + room), -reach, reach))
    hint = part.repaired(room / scale, gap / 2)
    least = int((np.einsum("rn,n->r", integers[:attacked], hint) + offsets).min())

    model = _Model()
    # Written as CP-SAT reads it: to build expressions takes longer than to solve the program.
    program = model.proto
    for _ in range(count):
        program.variables.add().domain.extend((-1, 1))
    program.variables.add().domain.extend((-reach, most))  # the least gain
    for row, offset in zip(integers[:attacked].tolist(), offsets.tolist(), strict=True):
        _bound(program, [*row, -1], -offset, 8 * reach)
    for row, held, limit in zip(integers[attacked:].tolist(), part.held[attacked:], part.limits, strict=True):
        ends = np.array([room - (limit + held) * scale, (limit - held) * scale - room])
        low, high = np.clip([np.ceil(ends[0]), np.floor(ends[1])], -2 * reach, 2 * reach)
        if low > high:
            return None
        _bound(program, row, int(low), int(high))
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


class _Model(cp_model.CpModel):
    """A model without the methods' old names, which take as long to add as such a program to solve."""

    def _add_pre_pep8_methods(self) -> None: ...


def _bound(program: cp_model.CpModelProto, coefficients: Sequence[int], low: int, high: int) -> None:
    """Low <= <coefficients, the first variables> <= high."""
    linear = program.constraints.add().linear
    linear.vars.extend(range(len(coefficients)))
    linear.coeffs.extend(coefficients)
    linear.domain.extend((low, high))

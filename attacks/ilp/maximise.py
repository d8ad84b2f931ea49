"""Linear objectives over bounded integers in OR-Tools CP-SAT, with the same answer every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

Integers = NDArray[np.int64]

# CP-SAT's own deterministic unit of work, not seconds: a program that fits it does so on every machine.
WORK_LIMIT = 10.0


@dataclass(frozen=True)
class Solution:
    """CP-SAT's integers, proven `optimal` or only `feasible`, and their relative gap to its bound."""

    state: Literal["optimal", "feasible"]
    numbers: Integers
    gap: float


class Model(cp_model.CpModel):
    """A model without the methods' old names, which take as long to add as a small program to solve."""

    def _add_pre_pep8_methods(self) -> None: ...


def repeatable_solver(work: float) -> cp_model.CpSolver:
    """One worker, a fixed seed and a limit in CP-SAT's deterministic units: the same program gets the same answer."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = work
    solver.parameters.catch_sigint_signal = False  # or an interrupt after a solve kills the process
    return solver


def maximise(
    values: Integers, low: Integers, high: Integers, limits: Sequence[tuple[Integers, int]] = ()
) -> Solution | None:
    """The integers low <= s <= high with the largest <values, s>; None if CP-SAT finds none.

    Each of `limits` names variables, by their places, and the most that their sum may be.
    """
    model = Model()
    # Written as CP-SAT reads it: to build expressions takes longer than to solve the program.
    program = model.proto
    for bounds in zip(low.tolist(), high.tolist(), strict=True):
        program.variables.add().domain.extend(bounds)
    program.objective.vars.extend(range(len(values)))
    program.objective.coeffs.extend(np.negative(values).tolist())
    program.objective.scaling_factor = -1.0  # it minimises, and reports the negative
    for places, most in limits:
        limit = program.constraints.add().linear
        limit.vars.extend(places.tolist())
        limit.coeffs.extend([1] * len(places))
        limit.domain.extend([int(low[places].sum()), most])
    solver = repeatable_solver(WORK_LIMIT)
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    bound = solver.best_objective_bound
    return Solution(
        "optimal" if status == cp_model.OPTIMAL else "feasible",
        np.array(solver.response_proto.solution, dtype=np.int64),
        abs(bound - solver.objective_value) / max(abs(bound), 1.0),
    )

"""The integer linear programs of DGBA and their solvers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.tally import tally
from .closed_form import closed_form
from .coupled import solve_coupled
from .cpsat import cpsat
from .program import Step, StepProgram
from .sparse import sparse

__all__ = ["SOLVERS", "StepProgram", "closed_form", "cpsat", "solve", "solve_coupled", "sparse"]

SOLVERS: dict[str, Callable[[StepProgram], Step]] = {"cp-sat": cpsat, "closed-form": closed_form}
"""Solvers of programs without coupled rows; coupled ones have no closed form."""


def solve(programs: Sequence[StepProgram], solver: str = "cp-sat") -> NDArray[np.int8]:
    """Steps (B, d) that solve the programs, each by itself; they are counted in the tally.

    `solver` is for programs without coupled rows. Raises BadInputError if a row is not finite.
    """
    if not all(np.isfinite(program.rows).all() for program in programs):
        raise BadInputError(
            "the model's gradient is not finite, so dgba's program has no coefficients; check the model"
        )
    tally().count(solver, len(programs))
    return np.stack([_solver_of(program, solver)(program) for program in programs])


def _solver_of(program: StepProgram, solver: str) -> Callable[[StepProgram], Step]:
    if program.coupled:
        return solve_coupled
    if solver == "cp-sat" and program.max_pixels is not None:
        return sparse
    return SOLVERS[solver]

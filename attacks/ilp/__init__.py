"""The integer linear programs of DGBA and their solvers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.tally import tally
from .closed_form import closed_form
from .cpsat import cpsat
from .program import StepProgram

__all__ = ["SOLVERS", "StepProgram", "closed_form", "cpsat", "solve"]

SOLVERS: dict[str, Callable[[StepProgram], NDArray[np.int8]]] = {"cp-sat": cpsat, "closed-form": closed_form}


def solve(rows: NDArray[np.float64], solver: str) -> NDArray[np.int8]:
    """Steps (B, d) that solve the program of every sample's `rows` (B, T, d); the programs are counted in the tally.

    Raises BadInputError if a row is not finite.
    """
    if not np.isfinite(rows).all():
        raise BadInputError(
            "the model's gradient is not finite, so dgba's program has no coefficients; check the model"
        )
    tally().count(solver, len(rows))
    return np.stack([SOLVERS[solver](StepProgram(sample)) for sample in rows])

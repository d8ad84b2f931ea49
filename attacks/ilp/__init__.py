"""The integer linear programs of DGBA and their solvers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.per_sample import peak_of
from ...benchmark.protocol.stopwatch import PROGRAMS, part
from ...benchmark.protocol.tally import tally
from .closed_form import closed_form
from .coupled import coupled
from .coupled_program import CoupledProgram
from .cpsat import cpsat
from .separable import SeparablePrograms

__all__ = ["SOLVERS", "CoupledProgram", "SeparablePrograms", "closed_form", "cpsat", "solve", "solve_coupled"]

SOLVERS: dict[str, Callable[[SeparablePrograms], Tensor]] = {"cp-sat": cpsat, "closed-form": closed_form}
"""Solvers of programs without coupled rows; coupled ones have no closed form."""


@part(PROGRAMS)
def solve(programs: SeparablePrograms, solver: str = "cp-sat") -> Tensor:
    """Steps int8 (B, d) that solve every image's program; they are counted in the tally.

    Raises BadInputError if a coefficient is not finite.
    """
    _refuse_infinities(bool(peak_of(programs.coefficients).isfinite().all()))
    tally().count(solver, len(programs))
    return SOLVERS[solver](programs)


@part(PROGRAMS)
def solve_coupled(programs: Sequence[CoupledProgram]) -> Tensor:
    """Steps int8 (B, d), on the CPU, that solve the programs by CP-SAT, each by itself; they are counted in the tally.

    Raises BadInputError if a row is not finite.
    """
    _refuse_infinities(all(np.isfinite(program.rows).all() for program in programs))
    tally().count("cp-sat", len(programs))
    return torch.stack(
        [torch.from_numpy(coupled(program)) if program.coupled else _apart(program) for program in programs]
    )


def _apart(program: CoupledProgram) -> Tensor:
    """The step of a program that couples nothing: the least of one row is the row, and that of none is nothing."""
    return cpsat(SeparablePrograms(torch.from_numpy(program.rows.sum(axis=0, keepdims=True)))).squeeze(0)


def _refuse_infinities(finite: bool) -> None:
    if not finite:
        raise BadInputError(
            "the model's gradient is not finite, so dgba's program has no coefficients; check the model"
        )

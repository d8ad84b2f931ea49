"""DGBA for the task that gains least: no task left behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...benchmark.protocol.threat import ThreatModel
from ..ilp import CoupledProgram
from .base import Iterate, gradients_apart
from .programs import rows_of, solution
from .relative import ratios


@dataclass(frozen=True)
class DgbaWorst:
    """Maximises min_t <g_t, r> / L_t over steps r in {-1, 0, 1}^d: the worst-task relative of arXiv 2305.12066's step.

    An integer program with a row per task, solved by CP-SAT between its dual's signs and its dual's bound. A task
    without gradient at the iterate is left out, or nothing would move. The objective is min_t L_t / L_t(clean).
    T backward passes per step.
    """

    version: ClassVar[int] = 2

    def fields(self, at: Iterate) -> Tensor:
        return gradients_apart(ratios(at.losses, at.losses), at.x)

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        programs = [CoupledProgram(rows[rows.any(axis=1)]) for rows in rows_of(fields)]
        return solution(programs, fields[0], threat)

    def objective(self, at: Iterate) -> Tensor:
        return torch.stack([*ratios(at.losses, at.clean).values()]).amin(dim=0)

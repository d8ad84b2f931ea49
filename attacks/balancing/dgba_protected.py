"""DGBA on all tasks but one, which must not notice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError, unknown
from ...benchmark.protocol.threat import ThreatModel
from ..ilp import CoupledProgram
from .base import Iterate, gradients_apart, relative_change
from .programs import rows_of, solution
from .relative import ratios


@dataclass(frozen=True)
class DgbaProtected:
    """Maximises sum_{t != task} <g_t, r> / L_t over r in {-1, 0, 1}^d while |<g_task, r>| <= tau |g_task|_1.

    arXiv 2305.12066's step with a constraint: no step moves the loss of `task`, to first order, by more than the share
    `tau` of what a step could. An integer program, solved by CP-SAT between its dual's signs and its dual's bound. The
    objective is the ARLC of the other tasks. T backward passes per step. Raises BadInputError unless tau is in (0, 1],
    and if the attacker does not see `task` or nothing beside it.
    """

    version: ClassVar[int] = 2
    spares: ClassVar[bool] = True

    task: str
    tau: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.tau <= 1:
            raise BadInputError(f"tau of dgba-protected must be in (0, 1], not {self.tau}")

    def fields(self, at: Iterate) -> Tensor:
        if self.task not in at.losses:
            raise unknown("task of attack dgba-protected", self.task, at.losses)
        if len(at.losses) == 1:
            raise BadInputError(f"dgba-protected:{self.task} has nothing to attack beside {self.task}")
        rows = ratios(at.losses, at.losses)
        return gradients_apart({self.task: rows.pop(self.task), **rows}, at.x)

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        programs = []
        for rows in rows_of(torch.stack([fields[1:].sum(dim=0), fields[0]])):
            most = float(np.abs(rows[1]).sum())
            # Without a gradient there is nothing to protect.
            programs.append(CoupledProgram(rows, (self.tau * most,)) if most else CoupledProgram(rows[:1]))
        return solution(programs, fields[0], threat)

    def objective(self, at: Iterate) -> Tensor:
        others = {name: loss for name, loss in at.losses.items() if name != self.task}
        return relative_change(replace(at, losses=others))

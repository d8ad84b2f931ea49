"""SINGLE(t): attack one task, whatever happens to the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ...benchmark.protocol.errors import unknown
from ...benchmark.protocol.threat import ThreatModel
from .base import Iterate, gradient_of_sum


@dataclass(frozen=True)
class Single:
    """Ascends L_t of one task: step along g_t = grad_x L_t (arXiv 2305.12066, SINGLE).

    Raises BadInputError if the attacker does not see the task.
    """

    version: ClassVar[int] = 1

    task: str

    def fields(self, at: Iterate) -> Tensor:
        if self.task not in at.losses:
            raise unknown("task of attack single", self.task, at.losses)
        return gradient_of_sum({self.task: at.losses[self.task]}, at.x)

    def objective(self, at: Iterate) -> Tensor:
        return at.losses[self.task]

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        return threat.ascend(fields[0])

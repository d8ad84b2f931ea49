"""TOTAL: attack the sum of the losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ...benchmark.protocol.per_sample import sum_of_parts
from ...benchmark.protocol.threat import ThreatModel
from .base import Iterate, gradient_of_sum


@dataclass(frozen=True)
class Total:
    """Ascends sum_t L_t, whatever the units of the losses: step along grad_x sum_t L_t (arXiv 2305.12066, TOTAL)."""

    version: ClassVar[int] = 1

    def fields(self, at: Iterate) -> Tensor:
        return gradient_of_sum(at.losses, at.x)

    def objective(self, at: Iterate) -> Tensor:
        return sum_of_parts([*at.losses.values()])

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        return threat.ascend(fields[0])

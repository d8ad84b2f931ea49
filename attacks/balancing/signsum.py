"""SIGNSUM: every task has one vote per pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ...benchmark.protocol.per_sample import sum_of_parts
from ...benchmark.protocol.threat import ThreatModel
from .base import Iterate, gradients_apart


@dataclass(frozen=True)
class SignSum:
    """Adds the tasks' own steps: step along sum_t ascend(g_t), sign(sum_t sign(g_t)) in L-infinity (arXiv 2305.12066).

    T backward passes per step.
    """

    version: ClassVar[int] = 1

    def fields(self, at: Iterate) -> Tensor:
        return gradients_apart(at.losses, at.x)

    def objective(self, at: Iterate) -> Tensor:
        return sum_of_parts([*at.losses.values()])

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        votes = sum((threat.ascend(field) for field in fields[1:]), start=threat.ascend(fields[0]))
        return threat.ascend(votes)

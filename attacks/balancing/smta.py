"""SMTA: attack one task and keep the others as they are."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from torch import Tensor

from ...benchmark.protocol.errors import BadInputError, unknown
from ...benchmark.protocol.per_sample import sum_of_parts
from ...benchmark.protocol.threat import ThreatModel
from .base import Iterate, gradient_of_sum
from .relative import Losses, changes


@dataclass(frozen=True)
class Smta:
    """The stealthy multi-task attack (arXiv 2411.17936): ascend R_task - c sum_p R_p over all other tasks p.

    R_t = (L_t(x_k) - L_t(x)) / L_t(x) is the loss change against the clean image. `c` is the price of harm to a
    protected task, .12 or .2 in the study; at 0 this is SINGLE(task). Protected are the tasks that the attacker sees
    (the threat's targets) beside `task`. One backward pass per step.
    Raises BadInputError if the attacker does not see the task, or unless c is finite and >= 0.
    """

    version: ClassVar[int] = 1

    task: str
    c: float = 0.12

    def __post_init__(self) -> None:
        if not (self.c >= 0 and isfinite(self.c)):
            raise BadInputError(f"c of smta must be finite and not negative, not {self.c}")

    def fields(self, at: Iterate) -> Tensor:
        if self.task not in at.losses:
            raise unknown("task of attack smta", self.task, at.losses)
        return gradient_of_sum(self._terms(at), at.x)

    def objective(self, at: Iterate) -> Tensor:
        return sum_of_parts([*self._terms(at).values()])

    def _terms(self, at: Iterate) -> Losses:
        found = changes(at.losses, at.clean)
        return {name: change if name == self.task else -self.c * change for name, change in found.items()}

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        return threat.ascend(fields[0])

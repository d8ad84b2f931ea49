"""NI: MIM that takes the gradient where its momentum is about to carry it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Batch, MultiTaskModel
from ..ascent import Ascent
from ..balancing.base import Balancing
from .mim import check_momentum, of_unit_sum


@dataclass(frozen=True)
class NI:
    """MIM with Nesterov's look ahead: g_k is taken at project(x_k + ahead * decay * step * direction(m_k)).

    After arXiv 1908.06281, which looks ahead along m_k itself; but its unit-sum fields have no size in image units, and
    the direction gives them that of a step. One forward and the balancing's backward passes per step. Raises
    BadInputError unless steps >= 1, reach > 0, decay >= 0 and ahead >= 0.
    """

    version: ClassVar[int] = 1

    balancing: Balancing
    steps: int = 10
    reach: float = 1.0
    decay: float = 1.0
    ahead: float = 1.0

    def __post_init__(self) -> None:
        check_momentum("ni", self.steps, self.reach, self.decay)
        if not self.ahead >= 0:
            raise BadInputError(f"ahead of ni must be at least 0, not {self.ahead}")

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        ascent = Ascent(self.balancing, model, batch, noise, threat)
        length = self.reach * threat.eps / self.steps
        x, direction, momentum = batch.x, torch.zeros_like(batch.x), torch.zeros(())
        for _ in range(self.steps):
            there = threat.project(batch.x, x + self.ahead * self.decay * length * direction)
            momentum = self.decay * momentum + of_unit_sum(ascent.fields(there))
            direction = self.balancing.direction(momentum, threat)
            x = threat.project(batch.x, x + length * direction)
        return ascent.finish(x)

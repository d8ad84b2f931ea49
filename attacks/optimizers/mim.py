"""MIM: PGD along a running sum of the normalised gradients."""

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


@dataclass(frozen=True)
class MIM:
    """m_{k+1} = decay * m_k + g_k / |g_k|_1, and PGD's step along direction(m_{k+1}) (arXiv 1710.06081).

    g_k are the balancing's fields; every field of every sample is normalised and summed up for itself. One forward
    and the balancing's backward passes per step. Raises BadInputError unless steps >= 1, reach > 0 and decay >= 0.
    """

    version: ClassVar[int] = 1

    balancing: Balancing
    steps: int = 10
    reach: float = 1.0
    decay: float = 1.0

    def __post_init__(self) -> None:
        check_momentum("mim", self.steps, self.reach, self.decay)

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        ascent = Ascent(self.balancing, model, batch, noise, threat)
        x, momentum = batch.x, torch.zeros(())
        for _ in range(self.steps):
            momentum = self.decay * momentum + of_unit_sum(ascent.fields(x))
            step = self.reach * threat.eps / self.steps * self.balancing.direction(momentum, threat)
            x = threat.project(batch.x, x + step)
        return ascent.finish(x)


def of_unit_sum(fields: Tensor) -> Tensor:
    """Fields (R, B, C, H, W), each divided by the sum of its absolute values; 0 stays 0."""
    size = fields.abs().sum(dim=-1, keepdim=True).sum(dim=-2, keepdim=True).sum(dim=-3, keepdim=True)
    return fields / torch.where(size > 0, size, 1)


def check_momentum(name: str, steps: int, reach: float, decay: float) -> None:
    """Raises BadInputError unless steps >= 1, reach > 0 and decay >= 0."""
    if steps < 1:
        raise BadInputError(f"steps of {name} must be at least 1, not {steps}")
    if not (reach > 0 and decay >= 0):
        raise BadInputError(f"{name} needs reach > 0 and decay >= 0, not {reach} and {decay}")

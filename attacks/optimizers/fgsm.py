"""FGSM: one step of the whole budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Batch, MultiTaskModel
from ..balancing.base import Balancing
from .pgd import PGD


@dataclass(frozen=True)
class FGSM:
    """x + eps d with d the balancing's direction at the clean image (arXiv 1412.6572): PGD of one step."""

    version: ClassVar[int] = 1

    balancing: Balancing

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return PGD(self.balancing, steps=1)(model, batch, threat, noise)

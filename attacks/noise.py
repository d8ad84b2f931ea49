"""Noise of the size of the budget: the control that every attack must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ..benchmark.protocol.noise import Noise
from ..benchmark.protocol.threat import ThreatModel
from ..benchmark.protocol.types import Batch, MultiTaskModel


@dataclass(frozen=True)
class SignNoise:
    """A random direction of full size: project(x + eps ascend(s)), s in {-1, 1}^d with equal chances."""

    version: ClassVar[int] = 1

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        signs = noise.sign(batch.ids, tuple(batch.x.shape[1:]), "sign-noise").to(batch.x)
        return threat.project(batch.x, batch.x + threat.eps * threat.ascend(signs))

"""Noise of the size of the budget: the control that every attack must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from torch import Tensor

from ...benchmark.protocol.errors import unknown
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Batch, MultiTaskModel

Kind = Literal["sign", "uniform"]


@dataclass(frozen=True)
class RandomNoise:
    """A random change: `sign` of full size in every pixel, `uniform` drawn from the whole budget.

    sign: project(x + eps ascend(s)), s in {-1, 1}^d with equal chances; uniform: `threat.random_start`. No pass through
    the model. Raises BadInputError for another kind.
    """

    version: ClassVar[int] = 1
    control: ClassVar[bool] = True

    kind: Kind = "sign"

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise unknown("kind of noise", self.kind, get_args(Kind))

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        if self.kind == "uniform":
            return threat.random_start(batch.x, batch.ids, noise, draw="uniform-noise")
        signs = noise.sign(batch.ids, tuple(batch.x.shape[1:]), "sign-noise").to(batch.x)
        return threat.project(batch.x, batch.x + threat.eps * threat.ascend(signs))

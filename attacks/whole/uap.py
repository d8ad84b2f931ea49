"""UAP: one change for all images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Attack, Batch, MultiTaskModel
from ..ascent import Ascent
from ..balancing.dgba import Dgba


@dataclass(frozen=True)
class Uap:
    """Universal adversarial perturbation, by gradients: the same change delta for all images (arXiv 1610.08401).

    delta (1, C, H, W) is fitted to the whole split: `epochs` passes over its N batches, in their order, from
    delta = 0; at every batch

        delta <- the nearest point of the ball to delta + reach eps / (epochs N) ascend(sum_b G_b),

    G_b = grad_x sum_t L_t / (T stop_gradient(L_t)) being what DGBA ascends, at project(x_b, x_b + delta). An image of
    the split or any other becomes project(x, x + delta). One forward and one backward pass per image and epoch. Without
    `fitted` before, a call fits delta to its own batch. Raises BadInputError unless epochs >= 1 and reach > 0.
    """

    version: ClassVar[int] = 1

    epochs: int = 5
    reach: float = 2.0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise BadInputError(f"epochs of uap must be at least 1, not {self.epochs}")
        if not self.reach > 0:
            raise BadInputError(f"reach of uap must be above 0, not {self.reach}")

    def fitted(self, model: MultiTaskModel, split: Sequence[Batch], threat: ThreatModel, noise: Noise) -> Attack:
        # The sum's sign is the optimum of DGBA's program for all images at once: no solver is needed to find it.
        ascents = [Ascent(Dgba(), model, batch, noise, threat) for batch in split]
        delta = torch.zeros_like(split[0].x[:1])
        length = self.reach * threat.eps / (self.epochs * len(ascents))
        for ascent in ascents * self.epochs:
            x = threat.project(ascent.batch.x, ascent.batch.x + delta)
            gradient = ascent.fields(x)[0].sum(dim=0, keepdim=True)
            delta = delta + length * threat.ascend(gradient)
            # From a corner of the range that delta points away from, into the range, no limit but the ball's is met.
            corner = (delta < 0).to(delta)
            delta = threat.project(corner, corner + delta) - corner
        return Universal(delta)

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return self.fitted(model, [batch], threat, noise)(model, batch, threat, noise)


@dataclass(frozen=True, eq=False)
class Universal:
    """The same change `delta` (1, C, H, W) to every image: project(x, x + delta)."""

    delta: Tensor

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return threat.project(batch.x, batch.x + self.delta)

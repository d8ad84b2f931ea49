"""VMI: MIM on gradients that are corrected by how much they vary in the neighbourhood."""

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
class VMI:
    """MIM on g_k + v_k, where v_{k+1} = mean_n g(x_k + r_n) - g_k and v_0 = 0 (arXiv 2103.15571).

    The `neighbours` r_n lie within `radius` times the budget: r = radius * eps * u * |ascend(u)| with u uniform in
    (-1, 1)^d, which is the paper's cube in L-infinity. The paper takes 20 neighbours. A forward and the balancing's
    backward passes per step, and as many for each neighbour in every step but the last. Raises BadInputError unless
    steps >= 1, reach > 0, decay >= 0, neighbours >= 0 and radius > 0.
    """

    version: ClassVar[int] = 1

    balancing: Balancing
    steps: int = 10
    reach: float = 1.0
    decay: float = 1.0
    neighbours: int = 5
    radius: float = 1.5

    def __post_init__(self) -> None:
        check_momentum("vmi", self.steps, self.reach, self.decay)
        if self.neighbours < 0 or not self.radius > 0:
            raise BadInputError(f"vmi needs neighbours >= 0 and radius > 0, not {self.neighbours} and {self.radius}")

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        ascent = Ascent(self.balancing, model, batch, noise, threat)
        x, momentum, variance = batch.x, torch.zeros(()), torch.zeros(())
        for k in range(self.steps):
            fields = ascent.fields(x)
            momentum = self.decay * momentum + of_unit_sum(fields + variance)
            if self.neighbours and k + 1 < self.steps:
                around = torch.zeros_like(fields)
                for n in range(self.neighbours):
                    u = noise.uniform(batch.ids, tuple(x.shape[1:]), draw=f"vmi-{k}-{n}").to(x)
                    around += ascent.fields_beside(x + self.radius * threat.eps * u * threat.ascend(u).abs())
                variance = around / self.neighbours - fields
            step = self.reach * threat.eps / self.steps * self.balancing.direction(momentum, threat)
            x = threat.project(batch.x, x + step)
        return ascent.finish(x)

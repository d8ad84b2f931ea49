"""WGD: weigh every task by how far its loss has come."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.per_sample import mean_of_parts
from ...benchmark.protocol.threat import ThreatModel
from .base import Iterate, gradient_of_sum
from .relative import floored, ratios


@dataclass(frozen=True)
class Wgd:
    """Weighted gradient descent (arXiv 2110.15053): step along sum_t w_t g_t, w_t = (R_t / mean_t R_t) ** exponent.

    R_t = L_t(x_k) / L_t(x) is the loss against the clean image's. With `exponent` 1 the step leans to the task that is
    hurt most already, with -1 to the one that is hurt least; the paper's text allows both readings. One backward pass
    per step, of sum_t w_t L_t with w constant; at the clean image this is TOTAL.
    Raises BadInputError unless the exponent is finite.
    """

    version: ClassVar[int] = 1

    exponent: float = 1.0

    def __post_init__(self) -> None:
        if not isfinite(self.exponent):
            raise BadInputError(f"exponent of wgd must be finite, not {self.exponent}")

    def fields(self, at: Iterate) -> Tensor:
        # The floors keep the ratio of a loss that is zero throughout (no valid pixel) at 1.
        grown = ratios({name: floored(loss) for name, loss in at.losses.items()}, at.clean)
        stacked = torch.stack([*grown.values()])
        weights = (stacked / mean_of_parts(stacked)) ** self.exponent
        return gradient_of_sum(dict(zip(at.losses, weights * torch.stack(list(at.losses.values())), strict=True)), at.x)

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        return threat.ascend(fields[0])

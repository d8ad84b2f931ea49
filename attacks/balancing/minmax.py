"""MINMAX: attack the task that is hardest to hurt."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.per_sample import sum_of_parts
from ...benchmark.protocol.threat import ThreatModel
from .base import Iterate, gradient_of_sum
from .simplex import project_onto_simplex


@dataclass(frozen=True)
class MinMax:
    """Min-max weights (arXiv 1906.03563, as TA-MOO, arXiv 2304.13229, runs them): step along grad_x sum_t w_t L_t.

    w is 1 / T at the first iterate; then w <- Pi_simplex(w + (-L - gamma (w - 1 / T)) / beta) before every step, so
    that weight moves to the task with the smallest loss. The losses enter as they are: between tasks whose losses
    differ in scale, the smallest in absolute terms is taken for the hardest. The objective is the inner minimum,
    min_w sum_t w_t L_t + gamma / 2 |w - 1 / T|^2. `gamma` is TA-MOO's; `beta` is our own choice. One backward pass per
    step.
    Raises BadInputError unless gamma is finite and >= 0, and beta finite and > 0.
    """

    version: ClassVar[int] = 1

    gamma: float = 3.0
    beta: float = 50.0

    def __post_init__(self) -> None:
        if not (self.gamma >= 0 and isfinite(self.gamma)):
            raise BadInputError(f"gamma of minmax must be finite and not negative, not {self.gamma}")
        if not (self.beta > 0 and isfinite(self.beta)):
            raise BadInputError(f"beta of minmax must be finite and above 0, not {self.beta}")

    def fields(self, at: Iterate) -> Tensor:
        losses = torch.stack(list(at.losses.values()))
        even = torch.full_like(losses, 1 / len(losses))
        weights = at.memory.get("weights", even)
        if at.index > 0:
            pull = -losses.detach() - self.gamma * (weights - even)
            weights = project_onto_simplex(weights + pull / self.beta)
        at.memory["weights"] = weights
        return gradient_of_sum(dict(zip(at.losses, weights * losses, strict=True)), at.x)

    def objective(self, at: Iterate) -> Tensor:
        losses = torch.stack(list(at.losses.values()))
        if self.gamma == 0:
            return losses.amin(dim=0)
        weights = project_onto_simplex(1 / len(losses) - losses / self.gamma)
        return sum_of_parts(weights * losses + self.gamma / 2 * (weights - 1 / len(losses)).square())

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        return threat.ascend(fields[0])

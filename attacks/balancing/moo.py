"""MOO: the combination of the tasks' gradients that is shortest, held near equal weights."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.per_sample import sum_of_parts
from ...benchmark.protocol.threat import ThreatModel
from .base import Iterate, gradients_apart


@dataclass(frozen=True)
class Moo:
    """Multi-objective weights (the MOO of TA-MOO, arXiv 2304.13229): step along sum_t w_t g_t, w = softmax(W).

    W starts at 0 and makes `rounds` gradient steps of size `rate` per iterate down f(w) = |sum_t w_t g_t|^2 +
    gamma |w - 1 / T|^2; with a small gamma w tends to the shortest vector in the gradients' convex hull (MGDA's), with
    a large one to equal weights. The gradients enter as they are: where they are short, gamma rules. T backward passes
    per step. Raises BadInputError unless gamma is finite and >= 0, rate finite and > 0, and rounds >= 1.
    """

    version: ClassVar[int] = 1

    gamma: float = 20.0
    rate: float = 0.025
    rounds: int = 1

    def __post_init__(self) -> None:
        if not (self.gamma >= 0 and isfinite(self.gamma)):
            raise BadInputError(f"gamma of moo must be finite and not negative, not {self.gamma}")
        if not (self.rate > 0 and isfinite(self.rate)):
            raise BadInputError(f"rate of moo must be finite and above 0, not {self.rate}")
        if self.rounds < 1:
            raise BadInputError(f"rounds of moo must be at least 1, not {self.rounds}")

    def fields(self, at: Iterate) -> Tensor:
        rows = gradients_apart(at.losses, at.x)
        flat = rows.flatten(2).double()
        gramian = torch.stack([(flat * row).sum(dim=2) for row in flat])  # (T, T, B)
        logits = at.memory.get("logits", torch.zeros_like(flat[..., 0]))
        for _ in range(self.rounds):
            weights = logits.softmax(dim=0)
            slope = 2 * (gramian * weights).sum(dim=1) + 2 * self.gamma * (weights - 1 / len(rows))
            logits = logits - self.rate * weights * (slope - sum_of_parts(weights * slope))
        at.memory["logits"] = logits
        return torch.einsum("tb,tb...->b...", logits.softmax(dim=0).to(rows), rows).unsqueeze(0)

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        return threat.ascend(fields[0])

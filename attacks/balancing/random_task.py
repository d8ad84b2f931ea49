"""RANDOM-TASK: attack one task at a time, drawn by lot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...benchmark.protocol.threat import ThreatModel
from .base import Iterate, gradient_of_sum


@dataclass(frozen=True)
class RandomTask:
    """Steps along g_t of one task t, drawn anew for every sample and step with equal chances.

    Our own control (no paper): what turns between the tasks give without any balance. The draw is keyed by seed,
    sample and step. One backward pass per step, of the sum of the drawn losses.
    """

    version: ClassVar[int] = 1

    def fields(self, at: Iterate) -> Tensor:
        losses = torch.stack(list(at.losses.values()))
        draws = at.noise.uniform(at.ids, (1,), draw=f"random-task-{at.index}").to(losses.device)
        chosen = ((draws + 1) / 2 * len(losses)).long().clamp(max=len(losses) - 1)
        return gradient_of_sum({"drawn": losses.gather(0, chosen.T)}, at.x)

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        return threat.ascend(fields[0])

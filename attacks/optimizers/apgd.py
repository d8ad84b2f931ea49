"""APGD: PGD with momentum that halves its step where it gets nowhere, and returns the best point it saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.per_sample import each
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Batch, MultiTaskModel
from ..ascent import Ascent
from ..balancing.base import Balancing

MOMENTUM = 0.75


@dataclass(frozen=True)
class APGD:
    """Auto-PGD (arXiv 2003.01690), every sample for itself: step length, best point and return to it.

        z = project(x_k + length * direction(x_k))
        x_{k+1} = project(x_k + 0.75 (z - x_k) + 0.25 (x_k - x_{k-1})),    x_1 = z

    from length 2 eps. At each of `checkpoints(steps)` a sample halves its length and goes on from its best point if,
    since the checkpoint before, its objective rose in fewer than `rho` of the steps, or if neither its length nor its
    best objective has changed. The objective is the balancing's (`objective_of`); the clean image, or the random start,
    counts among the points. One forward and the balancing's backward passes per step and a forward at the end, one
    more with a random start. Raises BadInputError unless steps >= 1 and 0 <= rho <= 1.
    """

    version: ClassVar[int] = 1

    balancing: Balancing
    steps: int = 20
    rho: float = 0.75
    random_start: bool = False

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise BadInputError(f"steps of apgd must be at least 1, not {self.steps}")
        if not 0 <= self.rho <= 1:
            raise BadInputError(f"rho of apgd must be in 0 to 1, not {self.rho}")

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        ascent = Ascent(self.balancing, model, batch, noise, threat)
        x = batch.x
        if self.random_start:
            ascent.look_at_clean()
            x = threat.random_start(batch.x, batch.ids, noise)
        fields, value = ascent.fields_and_objective(x)
        best = _Best(x, fields, value)
        previous, pace = x, _Pace(torch.full_like(value, 2 * threat.eps), value, self.rho)
        for k in range(self.steps):
            z = threat.project(batch.x, x + each(pace.length, x) * self.balancing.direction(fields, threat))
            ahead = threat.project(batch.x, x + MOMENTUM * (z - x) + (1 - MOMENTUM) * (x - previous)) if k else z
            previous, x = x, ahead
            if k + 1 == self.steps:
                break
            fields, new = ascent.fields_and_objective(x)
            pace.rises, value = pace.rises + (new > value), new
            best.take(x, fields, value)
            if k + 1 in checkpoints(self.steps):
                stuck = pace.check(k + 1, best.value)
                x, fields = torch.where(each(stuck, x), best.x, x), torch.where(each(stuck, x), best.fields, fields)
                value = torch.where(stuck, best.value, value)
        best.take(x, fields, ascent.objective(x))
        return ascent.finish(best.x)


def checkpoints(steps: int) -> tuple[int, ...]:
    """The steps ceil(p_j steps) below `steps`: p_0 = 0, p_1 = 0.22, p_{j+1} = p_j + max(p_j - p_{j-1} - 0.03, 0.06)."""
    before, at, found = 0, 22, {0}
    while at < 100:  # in hundredths, lest 0.41 * 100 be rounded up to 42
        found.add(-(-at * steps // 100))
        before, at = at, at + max(at - before - 3, 6)
    return tuple(sorted(step for step in found if step < steps))


@dataclass
class _Best:
    """The best point of every sample so far, and the fields and the objective there."""

    x: Tensor
    fields: Tensor
    value: Tensor

    def take(self, x: Tensor, fields: Tensor, value: Tensor) -> None:
        better = value > self.value
        self.x, self.fields = torch.where(each(better, x), x, self.x), torch.where(each(better, x), fields, self.fields)
        self.value = torch.where(better, value, self.value)


class _Pace:
    """Every sample's step length, and what its next change depends on."""

    def __init__(self, length: Tensor, value: Tensor, rho: float) -> None:
        self.length, self.best, self.rho = length, value, rho
        self.rises, self.since, self.halved = torch.zeros_like(value), 0, torch.zeros_like(value, dtype=torch.bool)

    def check(self, step: int, best: Tensor) -> Tensor:
        """Halves where need be at a checkpoint; which samples that is, (B,)."""
        stuck = (self.rises < self.rho * (step - self.since)) | (~self.halved & (best <= self.best))
        self.length = torch.where(stuck, self.length / 2, self.length)
        self.rises, self.since, self.best, self.halved = torch.zeros_like(self.rises), step, best, stuck
        return stuck

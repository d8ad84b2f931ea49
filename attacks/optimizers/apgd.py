"""APGD: PGD with momentum that halves its step where it gets nowhere, and returns the best point it saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, takewhile
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

    from length 2 eps. At the end of each of `periods(steps)` a sample halves its length and goes on from its best point
    if its objective rose in at most `rho` of the period's steps, or if it did not halve at the end of the period before
    and its best objective has not changed since. The objective is the balancing's (`objective_of`); the clean image, or
    the random start, counts among the points. One forward and the balancing's backward passes per step and a forward at
    the end, one more with a random start. Raises BadInputError unless steps >= 1 and 0 <= rho <= 1.

    Where the paper leaves a choice this counts as its authors' code does: periods are whole steps, the first step is a
    rise, and the step after a return is compared with the point that was left.
    """

    version: ClassVar[int] = 2

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
        return self.from_start(model, batch, threat, noise, batch.x)

    def from_start(
        self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise, start: Tensor
    ) -> Tensor:
        """The attack from the images `start` on, which a random start overrides."""
        ascent = Ascent(self.balancing, model, batch, noise, threat)
        x = threat.random_start(batch.x, batch.ids, noise) if self.random_start else start
        if x is not batch.x:
            ascent.look_at_clean()
        fields, value = ascent.fields_and_objective(x)
        best = _Best(x, fields, value)
        previous, pace = x, _Pace(torch.full_like(value, 2 * threat.eps), value, self.rho)
        ends = checkpoints(self.steps)
        for step in range(1, self.steps + 1):
            z = threat.project(batch.x, x + each(pace.length, x) * self.balancing.direction(fields, threat))
            ahead = z if step == 1 else x + MOMENTUM * (z - x) + (1 - MOMENTUM) * (x - previous)
            previous, x = x, threat.project(batch.x, ahead)
            if step == self.steps:
                break
            fields, new = ascent.fields_and_objective(x)
            pace.count((new > value) | (step == 1))
            best.take(x, fields, new)
            value = new
            if step in ends:
                stuck = pace.check(best.value)
                x, fields = torch.where(each(stuck, x), best.x, x), torch.where(each(stuck, x), best.fields, fields)
        best.take(x, fields, ascent.objective(x))
        return ascent.finish(best.x)


def periods(steps: int) -> Iterator[int]:
    """The lengths of the periods: 22 % of the steps, each next 3 % less, at least 6 %; whole steps, at least 1."""
    length, least, less = (max(percent * steps // 100, 1) for percent in (22, 6, 3))
    while True:
        yield length
        length = max(length - less, least)


def checkpoints(steps: int) -> tuple[int, ...]:
    """The steps below `steps` after which a period ends."""
    return tuple(takewhile(lambda step: step < steps, accumulate(periods(steps))))


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
        self.rises, self.steps, self.halved = torch.zeros_like(value), 0, torch.ones_like(value, dtype=torch.bool)

    def count(self, risen: Tensor) -> None:
        self.rises, self.steps = self.rises + risen, self.steps + 1

    def check(self, best: Tensor) -> Tensor:
        """Halves where need be at the end of a period; which samples that is, (B,)."""
        stuck = (self.rises <= self.rho * self.steps) | (~self.halved & (best <= self.best))
        self.length = torch.where(stuck, self.length / 2, self.length)
        self.rises, self.steps, self.best, self.halved = torch.zeros_like(self.rises), 0, best, stuck
        return stuck

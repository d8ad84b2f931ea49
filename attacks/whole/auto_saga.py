"""Auto-SAGA: every pixel learns how much each task's gradient counts there."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.per_sample import each, mean_of
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Batch, MultiTaskModel
from ..balancing.base import Iterate, gradients_apart
from ..balancing.relative import floored
from ..balancing.simplex import project_onto_simplex
from ..optimizers.pgd import PGD


@dataclass(frozen=True)
class AutoSaga:
    """PGD along u = sum_t a_t h_t, where the weights a_t (B, C, H, W) ascend F = sum_t L_t / L_t(clean).

    After a step of size alpha, a_t <- Pi_simplex(a_t + rate dF/da_t), with tanh(fitting u) in place of the sign:
    dF/da_t = dF/dx_{k+1} alpha fitting (1 - tanh^2(fitting u)) h_t (Auto-SAGA, arXiv 2209.03358, after SAGA, arXiv
    2104.02610). The T gradients at x_{k+1} make both dF/dx, summed over all tasks, and the next step: T backward passes
    per step. What the papers leave open is our choice:
    - a_t starts at 1 / T and stays, per value of the image, in the simplex: the sign asks for ratios only, a negative
      weight would spare a task, and one task alone makes this PGD;
    - h_t is g_t over its largest absolute value, per sample and task. A mean loss has gradients that shrink with the
      image, at which tanh would be linear; now `fitting` says where it bends, 1 / fitting of the peak;
    - dF/dx is taken over its mean absolute value, per sample, so that `rate` means the same for any image and loss;
    - in l2 the step is ascend(u), and the rule for a_t the same.
    Raises BadInputError unless steps >= 1, reach > 0, rate finite and >= 0, and fitting finite and > 0.
    """

    version: ClassVar[int] = 1

    steps: int = 10
    reach: float = 1.0
    rate: float = 10.0
    fitting: float = 50.0

    def __post_init__(self) -> None:
        if not (self.rate >= 0 and isfinite(self.rate)):
            raise BadInputError(f"rate of auto-saga must be finite and not negative, not {self.rate}")
        if not (self.fitting > 0 and isfinite(self.fitting)):
            raise BadInputError(f"fitting of auto-saga must be finite and above 0, not {self.fitting}")
        self._attack(step=0.0)  # PGD has the rules for steps and reach

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return self._attack(self.reach * threat.eps / self.steps)(model, batch, threat, noise)

    def _attack(self, step: float) -> PGD:
        return PGD(PixelWeights(step, self.rate, self.fitting), self.steps, self.reach)


@dataclass(frozen=True)
class PixelWeights:
    """The weights as a balancing; `step` is the size of the step that leads from one iterate to the next."""

    step: float
    rate: float
    fitting: float

    def fields(self, at: Iterate) -> Tensor:
        rows = gradients_apart(at.losses, at.x)
        clean = floored(torch.stack([at.clean[name] for name in at.losses]).abs())
        weights = at.memory.get("weights", torch.full_like(rows, 1 / len(rows)))
        if at.index > 0:
            slope = of_unit_mean((rows / clean[..., None, None, None]).sum(dim=0))
            learned = weights + self.rate * self.slopes(weights, at.memory["rows"], slope)
            weights = project_onto_simplex(learned.flatten(1)).view_as(rows)
        at.memory["weights"], at.memory["rows"] = weights, of_unit_peak(rows)
        return (weights * at.memory["rows"]).sum(dim=0, keepdim=True)

    def slopes(self, weights: Tensor, rows: Tensor, slope: Tensor) -> Tensor:
        """dF/da_t, (T, B, C, H, W), from the rows h_t that made the step and `slope`, dF/dx (B, C, H, W) after it."""
        bend = 1 - (self.fitting * (weights * rows).sum(dim=0)).tanh().square()
        return slope * self.step * self.fitting * bend * rows

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        return threat.ascend(fields[0])


def of_unit_peak(rows: Tensor) -> Tensor:
    """Fields (T, B, C, H, W), each over its largest absolute value; 0 stays 0."""
    peaks = rows.abs().amax(dim=(2, 3, 4), keepdim=True)
    return rows / torch.where(peaks > 0, peaks, 1)


def of_unit_mean(slope: Tensor) -> Tensor:
    """Fields (B, C, H, W), each over its mean absolute value; 0 stays 0."""
    mean = mean_of(slope.abs())
    return slope / each(torch.where(mean > 0, mean, 1), slope)

"""What balancings are asked about: iterates of linear models, or of gradients that are given."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from helpers.threats import linf
from mtrbench.attacks.balancing.base import Iterate
from mtrbench.attacks.balancing.total import Total
from mtrbench.attacks.conformance.toys import SHAPE, linear_model, middle_batch
from mtrbench.benchmark.protocol.noise import Noise

TASKS = ("a", "b", "c")


def iterate(size: int = 4, index: int = 0, shift: float = 0.0, noise: Noise | None = None) -> Iterate:
    """A linear model's iterate `shift` away from the clean images, with three tasks and an empty memory."""
    model, batch = linear_model(TASKS), middle_batch(size, TASKS)
    clean = {task: loss.detach() for task, loss in model.losses(batch).items()}
    x = (batch.x + shift * torch.linspace(-1, 1, math.prod(SHAPE)).view(SHAPE)).requires_grad_()
    return Iterate(x, model.losses(batch.at(x)), clean, batch.ids, index, noise or Noise(), {}, linf)


def made_of(rows: torch.Tensor, losses: tuple[float, ...] | None = None, index: int = 0, seed: int = 0) -> Iterate:
    """An iterate of one sample whose tasks have the gradients `rows` (T, d), and the given losses (T,)."""
    x = torch.zeros(1, 1, 1, rows.shape[1], requires_grad=True)
    values = losses or (0.0,) * len(rows)
    terms = {f"t{i}": x.flatten(1) @ row + value for i, (row, value) in enumerate(zip(rows, values, strict=True))}
    clean = {name: term.detach() for name, term in terms.items()}
    return Iterate(x, terms, clean, ("one",), index, Noise(seed), {}, linf)


@dataclass(frozen=True)
class Watched(Total):
    """TOTAL that keeps the images it is asked about and its objective at all points."""

    seen: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)

    def fields(self, at: Iterate) -> Tensor:
        self.seen.append(at.x.detach())
        return super().fields(at)

    def objective(self, at: Iterate) -> Tensor:
        self.values.append(super().objective(at).detach())
        return self.values[-1]

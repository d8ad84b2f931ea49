"""Models whose optimum under attack is known in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mtrbench.benchmark.protocol.metrics import Metric
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel


@dataclass(frozen=True)
class Affine:
    """A task whose loss is its prediction's mean, and whose metric is the same: higher is worse."""

    name: str
    version: ClassVar[int] = 1
    channels: ClassVar[int] = 1
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("value", "", False),)

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return prediction.flatten(1).mean(dim=1)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        value = self.loss(prediction, truth).double()
        return torch.stack([torch.ones_like(value), value], dim=1)

    def scores(self, total: np.ndarray) -> dict[str, np.ndarray]:
        return {"value": total[..., 1] / total[..., 0]}


class Linear(nn.Module):
    """L_t(x) = <w_t, x> + b for every task t, with weights drawn from a seed."""

    def __init__(self, tasks: tuple[str, ...], shape: tuple[int, ...], seed: int = 0, bias: float = 5.0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weights = nn.ParameterDict({task: nn.Parameter(torch.randn(shape, generator=generator)) for task in tasks})
        self.bias = bias

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {
            task: ((x * weight).flatten(1).sum(dim=1) + self.bias).view(-1, 1, 1, 1)
            for task, weight in self.weights.items()
        }


SHAPE = (3, 6, 5)


def linear_model(tasks: tuple[str, ...] = ("a", "b"), seed: int = 0, bias: float = 50.0) -> MultiTaskModel:
    """A linear multi-task model over images of `SHAPE`; the bias keeps every loss above zero."""
    return MultiTaskModel(Linear(tasks, SHAPE, seed, bias), [Affine(task) for task in tasks]).eval()


def middle_batch(size: int = 4, tasks: tuple[str, ...] = ("a", "b"), seed: int = 0) -> Batch:
    """Images in [0.3, 0.7], so that small budgets never meet the limits of the range."""
    x = 0.3 + 0.4 * torch.rand((size, *SHAPE), generator=torch.Generator().manual_seed(seed))
    return Batch(x, {task: torch.zeros(size) for task in tasks}, tuple(f"toy-{i}" for i in range(size)))

"""Models that are small, or whose optimum under attack is known in closed form, and batches for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...benchmark.protocol.metrics import Metric
from ...benchmark.protocol.tasks.base import Scores, Task
from ...benchmark.protocol.types import Batch, MultiTaskModel

SHAPE = (3, 6, 5)


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

    def scores(self, total: NDArray[np.float64]) -> Scores:
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


def linear_model(tasks: tuple[str, ...] = ("a", "b"), seed: int = 0, bias: float = 50.0) -> MultiTaskModel:
    """A linear multi-task model over images of `SHAPE`; the bias keeps every loss above zero."""
    return MultiTaskModel(Linear(tasks, SHAPE, seed, bias), [Affine(task) for task in tasks]).eval()


def curved_model() -> MultiTaskModel:
    """A small smooth network on the linear model's tasks: no closed form, but no linear model's symmetry either."""
    model = linear_model()
    with _seeded():
        body = _smooth(3)
    return MultiTaskModel(nn.Sequential(body, model.net), model.tasks.values()).eval()


def middle_batch(size: int = 4, tasks: tuple[str, ...] = ("a", "b"), seed: int = 0) -> Batch:
    """Images in [0.3, 0.7], so that small budgets never meet the limits of the range."""
    x = 0.3 + 0.4 * torch.rand((size, *SHAPE), generator=torch.Generator().manual_seed(seed))
    return Batch(x, {task: torch.zeros(size) for task in tasks}, tuple(f"toy-{i}" for i in range(size)))


class Heads(nn.Module):
    """A small smooth network with a prediction per task.

    It computes in float64 and answers in float32, so that a sample's gradient has the same bits in any batch: integer
    programs with nearly equal optima turn the least rounding into another image.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        super().__init__()
        with _seeded():
            self.body = _smooth(4)
            self.heads = nn.ModuleDict({task.name: nn.Conv2d(4, task.channels, 3, padding=1) for task in tasks})
        self.double()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        shared = self.body(x.double())
        return {name: head(shared).float() for name, head in self.heads.items()}


def miniature(model: MultiTaskModel, batch: Batch) -> tuple[MultiTaskModel, Batch]:
    """A small smooth network on the tasks of `model`, and every so many pixels of `batch`: images of `SHAPE`.

    The tasks are the model's own, with their losses and truth, so that attacks that name a task or replace its loss
    find on the toy what they find on the model. Raises BadInputError where a task refuses its truth.
    """
    rows, columns = (max(1, have // want) for have, want in zip(batch.x.shape[-2:], SHAPE[-2:], strict=True))

    def small(values: Tensor) -> Tensor:
        return values[..., ::rows, ::columns][..., : SHAPE[-2], : SHAPE[-1]].clone()

    truth = {name: small(batch.truth[name]) for name in model.tasks}
    toy = MultiTaskModel(Heads(model.tasks.values()), model.tasks.values()).eval()
    return toy, Batch(small(batch.x), truth, batch.ids)


class Steered(nn.Module):
    """One task's answer out of a single number, z = 1 + <w, x - 1/2> in [0.5, 1.5] with |w|_1 = 1."""

    def __init__(self, task: str, channels: int) -> None:
        super().__init__()
        weight = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
        self.weight = nn.Parameter(weight / weight.abs().sum())
        self.task, self.channels = task, channels

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        z = 1 + ((x - 0.5) * self.weight).sum(dim=(1, 2, 3)).view(-1, 1, 1, 1)
        return {self.task: ANSWERS.get(self.task, _value)(z, self.channels)[0]}


def steered(task: Task, size: int) -> tuple[MultiTaskModel, Batch]:
    """A model of one task whose every loss rises with z of `Steered`, linear in the image, and a batch for it.

    Hence an attack can do no better than raise z by eps times the dual norm of w, whichever loss of the task it climbs:
    that of training or one of a set. A task that is none of `ANSWERS` becomes an `Affine` of its name.
    """
    known = task if task.name in ANSWERS else Affine(task.name)
    batch = middle_batch(size, ())
    _, truth = ANSWERS.get(task.name, _value)(torch.ones(size, 1, 1, 1), known.channels)
    model = MultiTaskModel(Steered(task.name, known.channels), [known]).eval()
    return model, Batch(batch.x, {task.name: truth}, batch.ids)


def _segmentation(z: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    # The true class keeps the highest logit, so that losses of right pixels alone have a gradient too.
    rest = torch.zeros_like(z)
    return torch.cat([rest + 2, z, *[rest] * (channels - 2)], dim=1), torch.zeros(len(z), 1, 1, dtype=torch.long)


def _normals(z: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    rest = torch.zeros_like(z)
    return torch.cat([z, rest, rest + 1], dim=1), torch.cat([rest, rest, rest + 1], dim=1)


def _depth(z: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    return z, torch.full_like(z, 0.25)


def _value(z: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    return z, torch.zeros_like(z)


ANSWERS: Mapping[str, Callable[[Tensor, int], tuple[Tensor, Tensor]]] = MappingProxyType(
    {
        "segmentation": _segmentation,
        "depth": _depth,
        "normals": _normals,
        "keypoints2d": _value,
        "edge_texture": _value,
    }
)
"""By task, a one-pixel prediction and truth whose error grows with z (B, 1, 1, 1) in [0.5, 1.5]."""


def _smooth(channels: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.Softplus(), nn.Conv2d(4, channels, 3, padding=1), nn.Softplus()
    )


@contextmanager
def _seeded() -> Iterator[None]:
    """Initial weights from a seed of their own, and the global generator left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield

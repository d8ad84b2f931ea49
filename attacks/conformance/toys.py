"""Models that are small, or whose optimum under attack is known in closed form, and batches for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...benchmark.protocol.metrics import Metric
from ...benchmark.protocol.per_sample import sum_of
from ...benchmark.protocol.tasks.base import Scores, Task
from ...benchmark.protocol.tasks.shapes import Shape, is_dense
from ...benchmark.protocol.types import Batch, MultiTaskModel

SHAPE = (3, 6, 5)


@dataclass(frozen=True)
class Affine:
    """A task whose loss is its prediction, a number per image, and whose metric is its mean: higher is worse."""

    kind: ClassVar[str] = "affine"
    version: ClassVar[int] = 1
    prediction_shape: ClassVar[Shape] = (1,)
    truth_shape: ClassVar[Shape] = ()
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("value", "", False),)

    def valid(self, truth: Tensor) -> Tensor:
        return torch.ones(len(truth), 1, dtype=torch.bool, device=truth.device)

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return prediction.squeeze(1)

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
        return {task: (sum_of(x * weight) + self.bias).unsqueeze(1) for task, weight in self.weights.items()}


def linear_model(tasks: tuple[str, ...] = ("a", "b"), seed: int = 0, bias: float = 50.0) -> MultiTaskModel:
    """A linear multi-task model over images of `SHAPE`; the bias keeps every loss above zero."""
    return MultiTaskModel(Linear(tasks, SHAPE, seed, bias), {task: Affine() for task in tasks}).eval()


def middle_batch(size: int = 4, tasks: tuple[str, ...] = ("a", "b"), seed: int = 0) -> Batch:
    """Images in [0.3, 0.7], so that small budgets never meet the limits of the range."""
    x = 0.3 + 0.4 * torch.rand((size, *SHAPE), generator=torch.Generator().manual_seed(seed))
    return Batch(x, {task: torch.zeros(size) for task in tasks}, tuple(f"toy-{i}" for i in range(size)))


class Heads(nn.Module):
    """A small smooth network with a prediction per task, an average over pixels where that is no map.

    It computes in float64 and answers in float32, so that a sample's gradient has the same bits in any batch: integer
    programs with nearly equal optima turn the least rounding into another image.
    """

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        super().__init__()
        self.tasks = dict(tasks)
        with seeded():
            self.body = smooth(4)
            self.heads = nn.ModuleDict(
                {name: nn.Conv2d(4, prod(_lengths(task)), 3, padding=1) for name, task in self.tasks.items()}
            )
        self.double()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        shared = self.body(x.double())
        return {name: self._answer(head(shared).float(), self.tasks[name]) for name, head in self.heads.items()}

    def _answer(self, values: Tensor, task: Task) -> Tensor:
        plane = values.shape[-2:] if is_dense(task.prediction_shape) else ()
        values = values if plane else values.mean(dim=-1).mean(dim=-1)
        return values.reshape(len(values), *_lengths(task), *plane)


def miniature(model: MultiTaskModel, batch: Batch) -> tuple[MultiTaskModel, Batch]:
    """A small smooth network on the tasks of `model`, and every so many pixels of `batch`: images of `SHAPE`.

    The tasks are the model's own, with their losses and truth, so that attacks that name a task or replace its loss
    find on the toy what they find on the model. Raises BadInputError where a task refuses its truth.
    """
    rows, columns = (max(1, have // want) for have, want in zip(batch.x.shape[-2:], SHAPE[-2:], strict=True))

    def small(values: Tensor) -> Tensor:
        return values[..., ::rows, ::columns][..., : SHAPE[-2], : SHAPE[-1]].clone()

    truth = {
        name: small(batch.truth[name]) if is_dense(task.truth_shape) else batch.truth[name].clone()
        for name, task in model.tasks.items()
    }
    toy = MultiTaskModel(Heads(model.tasks), model.tasks).eval()
    return toy, Batch(small(batch.x), truth, batch.ids)


Answer = Callable[[Tensor, Task], tuple[Tensor, Tensor]]


class Steered(nn.Module):
    """One task's answer out of a single number, z = 1 + <w, x - 1/2> in [0.5, 1.5] with |w|_1 = 1, everywhere alike."""

    def __init__(self, name: str, task: Task, answer: Answer) -> None:
        super().__init__()
        weight = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
        self.weight = nn.Parameter(weight / weight.abs().sum())
        self.name, self.task, self.answer = name, task, answer

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        z = 1 + sum_of((x - 0.5) * self.weight)
        return {self.name: _everywhere(self.answer(_like(z, self.task), self.task)[0], self.task.prediction_shape)}


def steered(name: str, task: Task, size: int) -> tuple[MultiTaskModel, Batch]:
    """A model of one task, called `name`, whose every loss rises with z of `Steered`, linear in the image, and a batch.

    Hence an attack can do no better than raise z by eps times the dual norm of w, whichever loss of the task it climbs:
    that of training or one of a set. A task of a kind that is none of `ANSWERS` becomes an `Affine` of its name.
    """
    known, answer = (task, ANSWERS[task.kind]) if task.kind in ANSWERS else (Affine(), _value)
    batch = middle_batch(size, ())
    _, truth = answer(_like(torch.ones(size), known), known)
    model = MultiTaskModel(Steered(name, known, answer), {name: known}).eval()
    return model, Batch(batch.x, {name: _everywhere(truth, known.truth_shape)}, batch.ids)


def _like(z: Tensor, task: Task) -> Tensor:
    """Numbers (B,) as predictions of one channel: one of a single pixel, or of the whole image."""
    return z.view(-1, 1, 1, 1) if is_dense(task.prediction_shape) else z.view(-1, 1)


def _everywhere(values: Tensor, shape: Shape) -> Tensor:
    """What is one pixel of a map, as a map of `SHAPE`."""
    return values.expand(*values.shape[:-2], *SHAPE[-2:]) if is_dense(shape) else values


def _labels(z: Tensor, task: Task) -> tuple[Tensor, Tensor]:
    # The true class keeps the highest logit, so that losses of right pixels alone have a gradient too.
    rest, classes = torch.zeros_like(z), task.prediction_shape[0]
    assert isinstance(classes, int)
    return torch.cat([rest + 2, z, *[rest] * (classes - 2)], dim=1), torch.zeros_like(z[:, 0], dtype=torch.long)


def _normals(z: Tensor, task: Task) -> tuple[Tensor, Tensor]:
    rest = torch.zeros_like(z)
    return torch.cat([z, rest, rest + 1], dim=1), torch.cat([rest, rest, rest + 1], dim=1)


def _depth(z: Tensor, task: Task) -> tuple[Tensor, Tensor]:
    return z, torch.full_like(z, 0.25)


def _value(z: Tensor, task: Task) -> tuple[Tensor, Tensor]:
    return z, torch.zeros_like(z[:, 0])


ANSWERS: Mapping[str, Answer] = MappingProxyType(
    {"segmentation": _labels, "classification": _labels, "depth": _depth, "normals": _normals}
)
"""By kind of task, for those that sets of losses name: prediction and truth, whose error grows with z (B, 1, ...)."""


def _lengths(task: Task) -> tuple[int, ...]:
    """The axes of a prediction without a map's height and width; 1 long where the task leaves that open."""
    shape = task.prediction_shape
    return tuple(axis if isinstance(axis, int) else 1 for axis in (shape[:-2] if is_dense(shape) else shape))


def smooth(channels: int) -> nn.Module:
    """Two convolutions without a kink."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.Softplus(), nn.Conv2d(4, channels, 3, padding=1), nn.Softplus()
    )


@contextmanager
def seeded() -> Iterator[None]:
    """Initial weights from a seed of their own, and the global generator left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield

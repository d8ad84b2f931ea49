"""Predictions and truth of every task, drawn from a seed, and a network of two of them."""

import pytest
import torch
from torch import Tensor, nn

from mtrbench.benchmark.protocol.tasks.classification import UNKNOWN
from mtrbench.benchmark.protocol.tasks.registry import TASKS, make_task
from mtrbench.benchmark.protocol.tasks.segmentation import IGNORE
from mtrbench.benchmark.protocol.tasks.shapes import is_dense
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel

LIKE = {
    "inverse_depth": "depth",
    "dgba2023_segmentation": "segmentation",
    "dgba2023_cross_entropy": "segmentation",
    "dgba2023_depth": "depth",
    "dgba2023_log_depth": "depth",
    "dgba2023_cosine": "normals",
}
"""Tasks whose predictions and truth are those of another one."""


def like(values):
    """The same for every task that is like one of them."""
    return values | {name: values[own] for name, own in LIKE.items() if own in values}


SETTINGS = like({"segmentation": {"classes": 4}, "classification": {"classes": 4}, "regression": {"values": 3}})
NOTHING = like({"segmentation": IGNORE, "classification": UNKNOWN, "depth": 0, "normals": 0})
"""The truth of what has none; NaN for the other tasks."""


def task_of(name):
    return make_task(name, **SETTINGS.get(name, {}))


every_task = pytest.mark.parametrize("name", [*TASKS])
every_map = pytest.mark.parametrize("name", [name for name in TASKS if is_dense(task_of(name).prediction_shape)])


def sample(name, batch=4, size=6, seed=0, dtype=torch.float64):
    """A random prediction and truth, about a third of the pixels invalid, all ways of being invalid among them.

    Of a task that is no map, image 2 has no truth, or one number less.
    """
    g = torch.Generator().manual_seed(seed)
    shape = [{"height": size, "width": size}.get(axis, axis) for axis in task_of(name).prediction_shape]
    prediction = torch.randn(batch, *shape, generator=g, dtype=dtype)
    name = LIKE.get(name, name)
    if name == "classification":
        truth, invalid = torch.randint(0, 4, (batch,), generator=g), torch.zeros(batch, 1, dtype=torch.bool)
        invalid[2:3] = True
        return prediction, truth.masked_fill(invalid[:, 0], UNKNOWN), invalid
    if not is_dense(task_of(name).prediction_shape):
        invalid = torch.zeros(prediction.shape, dtype=torch.bool)
        invalid.flatten(1)[2:3, 0] = True
        truth = torch.rand(prediction.shape, generator=g, dtype=dtype) * 2 - 1
        return prediction, truth.masked_fill(invalid, torch.nan), invalid
    invalid = torch.rand(batch, 1, size, size, generator=g) < 0.3
    if name == "segmentation":
        truth = torch.randint(0, 4, (batch, size, size), generator=g)
        return prediction, truth.masked_fill(invalid[:, 0], IGNORE), invalid
    if name == "depth":
        truth = torch.rand(batch, 1, size, size, generator=g, dtype=dtype) * 9 + 0.5
        bad = torch.tensor([0.0, -1.0, torch.nan, torch.inf], dtype=dtype)
        choice = torch.randint(0, 4, invalid.shape, generator=g)
        return truth * (1 + 0.5 * prediction), torch.where(invalid, bad[choice], truth), invalid
    if name == "normals":
        truth = torch.nn.functional.normalize(torch.randn(batch, 3, size, size, generator=g, dtype=dtype), dim=1)
        return truth + 0.7 * prediction, torch.where(invalid, 0, truth), invalid
    truth = torch.rand(batch, 1, size, size, generator=g, dtype=dtype) * 2 - 1
    return prediction, truth.masked_fill(invalid, torch.nan), invalid


def score(task, prediction, truth):
    return task.scores(task.statistics(prediction, truth).sum(0).numpy())


class Perception(nn.Module):
    """Answers segmentation and depth from one convolution."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.segmentation, self.depth = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 1, 3, padding=1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"segmentation": self.segmentation(x), "depth": self.depth(x).exp()}


def perception() -> tuple[MultiTaskModel, Batch]:
    tasks = ("segmentation", "depth")
    truth = {task: sample(task, dtype=torch.float32)[1] for task in tasks}
    x = 0.2 + 0.6 * torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    return MultiTaskModel(Perception(), {task: task_of(task) for task in tasks}).eval(), Batch(x, truth, tuple("abcd"))

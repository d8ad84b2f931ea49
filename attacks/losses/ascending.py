"""Attacks on other losses than the model was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...benchmark.protocol.metrics import Metric
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.tasks.base import Scores, Task
from ...benchmark.protocol.tasks.shapes import Shape
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Attack, Batch, MultiTaskModel, SplitAttack
from ..doors import Loss, Losses
from .registry import losses_of


@dataclass(frozen=True)
class Ascending:
    """`attack` on a view of the model with the losses of the set `losses`.

    Neither optimizer nor balancing knows. A loss of a task that the model lacks does not apply. `version` changes with
    any change of a loss. Raises BadInputError for an unknown set.
    """

    version: ClassVar[int] = 1

    attack: Attack
    losses: str

    def __post_init__(self) -> None:
        losses_of(self.losses)

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return self.attack(with_losses(model, losses_of(self.losses)), batch, threat, noise)


@dataclass(frozen=True)
class AscendingSplit(Ascending):
    """The same around a `SplitAttack`, which looks at the split through that view, too."""

    attack: SplitAttack

    def fitted(self, model: MultiTaskModel, split: Sequence[Batch], threat: ThreatModel, noise: Noise) -> Attack:
        ready = self.attack.fitted(with_losses(model, losses_of(self.losses)), split, threat, noise)
        return Ascending(ready, self.losses)


def with_losses(model: MultiTaskModel, losses: Losses) -> MultiTaskModel:
    """A view of the model with the losses given by kind of task; other tasks keep their own."""
    tasks = {
        name: WithLoss(task, losses[task.kind]) if task.kind in losses else task for name, task in model.tasks.items()
    }
    return seen_through(model, tasks)


def seen_through(model: MultiTaskModel, tasks: Mapping[str, Task]) -> MultiTaskModel:
    """A view of the model with its tasks as these see them."""
    view = MultiTaskModel(model, tasks)
    view.training = model.training
    return view


@dataclass(frozen=True)
class WithLoss:
    """A task with another loss, and all else its own."""

    task: Task
    ascended: Loss

    @property
    def kind(self) -> str:
        return self.task.kind

    @property
    def version(self) -> int:
        return self.task.version

    @property
    def prediction_shape(self) -> Shape:
        return self.task.prediction_shape

    @property
    def truth_shape(self) -> Shape:
        return self.task.truth_shape

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self.task.metrics

    def valid(self, truth: Tensor) -> Tensor:
        return self.task.valid(truth)

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return self.ascended(prediction, truth)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        return self.task.statistics(prediction, truth)

    def scores(self, total: NDArray[np.float64]) -> Scores:
        return self.task.scores(total)

"""What the benchmark knows of a task: training loss, additive statistics, metrics.

Every method is pure and treats samples apart. A pixel without ground truth never matters, not even if the prediction
there is NaN. A prediction that is not finite at a pixel with ground truth makes all statistics of its sample NaN, so
that a broken model ends in an undefined score and not in a plausible one.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..errors import BadInputError
from ..metrics import Metric

Scores = dict[str, NDArray[np.float64]]


class Task(Protocol):
    """What the benchmark knows of a task; `version` changes with any change of its numbers."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def channels(self) -> int:
        """Channels of the prediction (B, channels, H, W)."""
        ...

    @property
    def metrics(self) -> tuple[Metric, ...]: ...

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        """Training loss (B,), mean over each sample's valid pixels, 0 without any; differentiable in `prediction`.

        Raises BadInputError if the shapes do not fit the task.
        """
        ...

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        """Float64 (B, S), on the device of `prediction`: to be summed over any set of samples.

        Raises BadInputError if the shapes or the labels do not fit the task.
        """
        ...

    def scores(self, total: NDArray[np.float64]) -> Scores:
        """Every metric, shaped (...), from sums of statistics (..., S); NaN where no pixel is valid."""
        ...


def check_shapes(task: Task, prediction: Tensor, truth: Tensor, *channels: int) -> None:
    """Refuse shapes other than (B, task.channels, H, W) and, for the truth, (B, *channels, H, W), by BadInputError."""
    # Without this, (B, 1, H, W) against (B, H, W) would broadcast to (B, B, H, W) in silence.
    batch, plane = prediction.shape[:1], prediction.shape[-2:]
    if prediction.shape != (*batch, task.channels, *plane) or truth.shape != (*batch, *channels, *plane):
        shapes = f"a prediction {tuple(prediction.shape)} and a truth {tuple(truth.shape)}"
        layout = ", ".join(["B", *map(str, channels), "H", "W"])
        raise BadInputError(f"{task.name} got {shapes}; it needs (B, {task.channels}, H, W) and ({layout})")

"""What tasks with one number per pixel have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..metrics import Metric
from ..per_sample import absolute_error, masked_mean, nan_if_broken, sum_of
from .base import Scores, check_shapes
from .totals import means, named


@dataclass(frozen=True)
class DenseRegression:
    """Values (B, 1, H, W) against the same, in [-1, 1]; invalid where the truth is NaN.

    Loss: |p - t|. Statistics, S = 2: valid pixels and sum of |p - t|.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    channels: ClassVar[int] = 1
    metrics: ClassVar[tuple[Metric, ...]]

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        valid = self._valid(prediction, truth)
        return masked_mean(absolute_error(prediction, truth, valid), valid)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        valid = self._valid(prediction, truth)
        error = absolute_error(prediction.double(), truth.double(), valid)
        return nan_if_broken(torch.stack([sum_of(valid.double()), sum_of(error)], dim=1), error)

    def scores(self, total: NDArray[np.float64]) -> Scores:
        return named(self.metrics, means(total))

    def _valid(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth, self.channels)
        return ~truth.isnan()

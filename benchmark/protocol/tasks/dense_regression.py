"""What tasks with one number per pixel have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..metrics import Metric
from ..per_sample import absolute_error, masked_mean, nan_if_broken, sum_of
from .base import Scores
from .checks import check_shapes
from .shapes import Shape
from .soft import over
from .totals import ratio


@dataclass(frozen=True)
class DenseRegression:
    """Values (B, 1, H, W) against the same; invalid where the truth is NaN.

    Loss: |p - t|. Statistics, S = 2: valid pixels and sum of |p - t|.
    """

    kind: ClassVar[str]
    version: ClassVar[int] = 1
    prediction_shape: ClassVar[Shape] = (1, "height", "width")
    truth_shape: ClassVar[Shape] = (1, "height", "width")
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("mae", "", False),)

    @staticmethod
    def valid(truth: Tensor) -> Tensor:
        return ~truth.isnan()

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        return masked_mean(self._error(prediction, truth, valid), valid)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        error = self._error(prediction.double(), truth.double(), valid)
        return nan_if_broken(torch.stack([sum_of(valid.double()), sum_of(error)], dim=1), error)

    def soft_damage(self, prediction: Tensor, truth: Tensor, clean: Mapping[str, float]) -> Tensor:
        return over(self.loss(prediction, truth), clean["mae"])

    def scores(self, total: NDArray[np.float64]) -> Scores:
        valid, error = np.moveaxis(total, -1, 0)
        return {"mae": ratio(error, valid)}

    @staticmethod
    def _error(prediction: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
        """|p - t|, 0 where there is no truth."""
        return absolute_error(prediction, truth, valid)

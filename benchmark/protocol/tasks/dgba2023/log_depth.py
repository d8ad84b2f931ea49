"""Depth on the study's logarithmic scale for Taskonomy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...metrics import Metric
from ...per_sample import masked_mean, nan_if_broken, sum_of
from ..base import Scores
from ..checks import check_shapes
from ..shapes import Shape
from ..soft import over
from ..totals import ratio

METRE = 512
"""Steps of depth to a metre, as Taskonomy's files have them."""


@dataclass(frozen=True)
class LogDepth2023:
    """Predictions (B, 1, H, W) of log(1 + d) / log(2^16) against depth in metres, d being 512 of these.

    Invalid where the truth is not finite or not above 0. Loss: |p - t|, t on that scale. Statistics, S = 2: valid
    pixels and sum of |p - t|.
    """

    kind: ClassVar[str] = "dgba2023_log_depth"
    version: ClassVar[int] = 1
    prediction_shape: ClassVar[Shape] = (1, "height", "width")
    truth_shape: ClassVar[Shape] = (1, "height", "width")
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("mae", "", False),)

    @staticmethod
    def valid(truth: Tensor) -> Tensor:
        return truth.isfinite() & (truth > 0)

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
        valid = self.valid(truth)
        return over(masked_mean(self._error(prediction, truth, valid), valid), clean["mae"])

    def scores(self, total: NDArray[np.float64]) -> Scores:
        valid, error = np.moveaxis(total, -1, 0)
        return {"mae": ratio(error, valid)}

    @staticmethod
    def _error(prediction: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
        t = torch.log1p(METRE * torch.where(valid, truth, 1)) / log(2**16)
        return torch.where(valid, prediction - t, 0).abs()

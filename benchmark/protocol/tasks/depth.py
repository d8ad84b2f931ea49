"""Depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..metrics import METRICS, Metric
from ..per_sample import absolute_error, masked_mean, nan_if_broken, sum_of
from .base import Scores, check_shapes
from .totals import means, named


@dataclass(frozen=True)
class Depth:
    """Depth in metres: (B, 1, H, W) against the same; invalid where the truth is not finite or not above 0.

    Loss: |p - t| in metres. Statistics, S = 6: valid pixels, sum of |p - t|, sum of |p - t| / t, and how many pixels
    have p > 0 and max(p / t, t / p) < 1.25, 1.25**2, 1.25**3.
    """

    name: ClassVar[str] = "depth"
    version: ClassVar[int] = 1
    channels: ClassVar[int] = 1
    metrics: ClassVar[tuple[Metric, ...]] = METRICS["depth"]

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        valid = self._valid(prediction, truth)
        return masked_mean(absolute_error(prediction, truth, valid), valid)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        valid = self._valid(prediction, truth)
        # At invalid pixels both become 1, an error of 0 that no division trips over.
        p, t = torch.where(valid, prediction, 1).double(), torch.where(valid, truth, 1).double()
        error = (p - t).abs()
        ratio = torch.where(p > 0, torch.maximum(p / t, t / p), torch.inf)
        within = [valid & (ratio < 1.25**k) for k in (1, 2, 3)]
        return nan_if_broken(torch.stack([sum_of(v.double()) for v in (valid, error, error / t, *within)], dim=1), p)

    def scores(self, total: NDArray[np.float64]) -> Scores:
        return named(self.metrics, means(total))

    def _valid(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth, self.channels)
        return truth.isfinite() & (truth > 0)

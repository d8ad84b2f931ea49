"""Inverse depth, as Cityscapes has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..metrics import Metric
from ..per_sample import absolute_error, masked_mean, mean_of_parts, nan_if_broken, sum_of
from .base import Scores
from .checks import check_shapes
from .dense_regression import DenseRegression
from .soft import over
from .totals import ratio


@dataclass(frozen=True)
class InverseDepth(DenseRegression):
    """Inverse depth up to a factor, as disparity: (B, 1, H, W); invalid where the truth is not finite or not above 0.

    Loss: |p - t|. Statistics, S = 3: valid pixels, sum of |p - t|, sum of |p - t| / t.
    """

    kind: ClassVar[str] = "inverse_depth"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("abs_err", "", False), Metric("rel_err", "", False))

    @staticmethod
    def valid(truth: Tensor) -> Tensor:
        return truth.isfinite() & (truth > 0)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        error = absolute_error(prediction.double(), truth.double(), valid)
        relative = error / torch.where(valid, truth, 1).double()
        return nan_if_broken(torch.stack([sum_of(v) for v in (valid.double(), error, relative)], dim=1), error)

    def soft_damage(self, prediction: Tensor, truth: Tensor, clean: Mapping[str, float]) -> Tensor:
        valid = self.valid(truth)
        error = absolute_error(prediction, truth, valid)
        parts = [over(error, clean["abs_err"]), over(error / torch.where(valid, truth, 1), clean["rel_err"])]
        return masked_mean(mean_of_parts(parts), valid)

    def scores(self, total: NDArray[np.float64]) -> Scores:
        valid, error, relative = np.moveaxis(total, -1, 0)
        return {"abs_err": ratio(error, valid), "rel_err": ratio(relative, valid)}

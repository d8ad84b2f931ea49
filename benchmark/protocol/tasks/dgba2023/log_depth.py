"""Depth on the study's logarithmic scale for Taskonomy."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import ClassVar

import torch
from torch import Tensor

from ...per_sample import absolute_error
from ..dense_regression import DenseRegression

METRE = 512
"""Steps of depth to a metre, as Taskonomy's files have them."""


@dataclass(frozen=True)
class LogDepth2023(DenseRegression):
    """Predictions (B, 1, H, W) of log(1 + d) / log(2^16) against depth in metres, d being 512 of these.

    Invalid where the truth is not finite or not above 0. Loss: |p - t|, t on that scale. Statistics, S = 2: valid
    pixels and sum of |p - t|.
    """

    kind: ClassVar[str] = "dgba2023_log_depth"

    @staticmethod
    def valid(truth: Tensor) -> Tensor:
        return truth.isfinite() & (truth > 0)

    @staticmethod
    def _error(prediction: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
        t = torch.log1p(METRE * torch.where(valid, truth, 1)) / log(2**16)
        return absolute_error(prediction, t, valid)

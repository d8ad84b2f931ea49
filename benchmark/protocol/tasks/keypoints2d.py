"""Responses of a 2-D keypoint detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .dense_regression import DenseRegression


@dataclass(frozen=True)
class Keypoints2d(DenseRegression):
    """Response of a 2-D keypoint detector, (B, 1, H, W) in [-1, 1], NaN where invalid; mean absolute error."""

    kind: ClassVar[str] = "keypoints2d"

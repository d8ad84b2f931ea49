"""Surface normals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..metrics import Metric
from ..per_sample import histogram, masked_mean, mean_of_parts, nan_if_broken, sum_of, unit
from .base import Scores
from .checks import check_shapes
from .shapes import Shape
from .soft import over
from .totals import ratio

LIMITS = (11.25, 22.5, 30)
"""Angles in degrees below which a pixel counts as right."""

SOFTNESS = 4.0
"""Width in degrees of the soft steps at these angles."""


@dataclass(frozen=True)
class Normals:
    """Surface normals: vectors (B, 3, H, W) of any length against unit vectors, x right, y forward, z up.

    A truth that is the zero vector or not finite is invalid. Loss: 1 - cosine in [0, 2], where a prediction shorter
    than 1e-6 counts in proportion to its length, which keeps the gradient finite. Statistics, S = 365: valid pixels,
    sum of angles in degrees, how many are < 11.25, < 22.5, < 30, and a histogram of the angles in 360 bins of half a
    degree. A zero prediction is 90 degrees off. The median is read from the histogram, linear inside its bin: it lies
    within half a degree of the lower median of the pixels, and for evenly spread angles much nearer.
    """

    kind: ClassVar[str] = "normals"
    version: ClassVar[int] = 1
    prediction_shape: ClassVar[Shape] = (3, "height", "width")
    truth_shape: ClassVar[Shape] = (3, "height", "width")
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("angle_mean", "deg", False),
        Metric("angle_median", "deg", False),
        Metric("within_11.25", "", True),
        Metric("within_22.5", "", True),
        Metric("within_30", "", True),
    )
    _bins: ClassVar[int] = 360

    @staticmethod
    def valid(truth: Tensor) -> Tensor:
        largest = truth.abs().amax(dim=1, keepdim=True)  # NaN if a component is
        return (largest > 0) & (largest < torch.inf)

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        return masked_mean(1 - self._cosine(prediction, truth, valid), valid)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        p, t = (torch.where(valid, v, 0).double() for v in (prediction, truth))
        # By components, as the libraries' norms and sums over three channels take most of the time.
        (a, b, c), (u, v, w) = (vectors.chunk(3, dim=1) for vectors in (p, t))
        sine = ((b * w - c * v).square() + (c * u - a * w).square() + (a * v - b * u).square()).sqrt()
        # atan2 is exact at 0 and 180 degrees, where acos loses half of the digits.
        angle = torch.atan2(sine, a * u + b * v + c * w).rad2deg()
        angle = torch.where((a == 0) & (b == 0) & (c == 0), 90.0, angle).where(valid, 0)
        within = [valid & (angle < limit) for limit in LIMITS]
        sums = torch.stack([sum_of(v.double()) for v in (valid, angle, *within)], dim=1)
        cell = (angle.nan_to_num() * (self._bins / 180)).long().clamp(max=self._bins - 1)
        return nan_if_broken(torch.cat([sums, histogram(cell, valid, self._bins)], dim=1), p)

    def soft_damage(self, prediction: Tensor, truth: Tensor, clean: Mapping[str, float]) -> Tensor:
        """With (a / c_mean + a / c_median + sum_l sigmoid((a - l) / 4) / c_within_l) / 5, a the angle in degrees."""
        valid = self.valid(truth)
        p, t = (torch.where(valid, v, 0) for v in (prediction, truth))
        cross = torch.linalg.cross(p, t, dim=1).square().sum(dim=1, keepdim=True)
        # The square root's gradient at 0 is infinite, and times 0 no number.
        sine, cosine = cross.clamp(min=torch.finfo(p.dtype).tiny).sqrt(), (p * t).sum(dim=1, keepdim=True)
        directed = valid & (p != 0).any(dim=1, keepdim=True)
        angle = torch.atan2(sine, torch.where(directed, cosine, 1)).rad2deg()
        missed = [over(((angle - limit) / SOFTNESS).sigmoid(), clean[f"within_{limit}"]) for limit in LIMITS]
        parts = [over(angle, clean["angle_mean"]), over(angle, clean["angle_median"]), *missed]
        return masked_mean(mean_of_parts(parts), valid)

    def scores(self, total: NDArray[np.float64]) -> Scores:
        valid, angle, *within = np.moveaxis(total[..., :5], -1, 0)
        return {
            "angle_mean": ratio(angle, valid),
            "angle_median": self._median(total[..., 5:]),
            **{f"within_{limit}": ratio(pixels, valid) for limit, pixels in zip(LIMITS, within, strict=True)},
        }

    @staticmethod
    def _cosine(prediction: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
        """(B, 1, H, W), 0 where there is no truth."""
        p, t = (unit(torch.where(valid, v, 0)) for v in (prediction, truth))
        return (p * t).sum(dim=1, keepdim=True)

    def _median(self, histogram: NDArray[np.float64]) -> NDArray[np.float64]:
        reached = histogram.cumsum(axis=-1)
        half = reached[..., -1:] / 2
        k = (reached >= half).argmax(axis=-1)[..., None]
        inside = np.take_along_axis(histogram, k, axis=-1)
        share = ratio(half - (np.take_along_axis(reached, k, axis=-1) - inside), inside)
        return np.asarray(((k + share) * (180 / self._bins))[..., 0])

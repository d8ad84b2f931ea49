"""Depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..metrics import Metric
from ..per_sample import absolute_error, masked_mean, mean_of_parts, nan_if_broken, sum_of
from .base import Scores
from .checks import check_shapes
from .shapes import Shape
from .soft import over
from .totals import ratio

SHALLOWEST = 1e-3
"""Metres that a soft logarithm takes a smaller prediction for."""
SOFTNESS = 0.08
"""Width, in logarithms of depth, of the soft steps at 1.25, 1.25**2 and 1.25**3."""


@dataclass(frozen=True)
class Depth:
    """Depth in metres: (B, 1, H, W) against the same; invalid where the truth is not finite or not above 0.

    Loss: |p - t| in metres. Statistics, S = 6: valid pixels, sum of |p - t|, sum of |p - t| / t, and how many pixels
    have p > 0 and max(p / t, t / p) < 1.25, 1.25**2, 1.25**3.
    """

    kind: ClassVar[str] = "depth"
    version: ClassVar[int] = 1
    prediction_shape: ClassVar[Shape] = (1, "height", "width")
    truth_shape: ClassVar[Shape] = (1, "height", "width")
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("abs_err", "m", False),
        Metric("rel_err", "", False),
        Metric("delta1", "", True),
        Metric("delta2", "", True),
        Metric("delta3", "", True),
    )

    @staticmethod
    def valid(truth: Tensor) -> Tensor:
        return truth.isfinite() & (truth > 0)

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        return masked_mean(absolute_error(prediction, truth, valid), valid)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        # At invalid pixels both become 1, an error of 0 that no division trips over.
        p, t = torch.where(valid, prediction, 1).double(), torch.where(valid, truth, 1).double()
        error = (p - t).abs()
        within = [valid & hit for hit in self._within(p, t)]
        return nan_if_broken(torch.stack([sum_of(v.double()) for v in (valid, error, error / t, *within)], dim=1), p)

    def soft_damage(self, prediction: Tensor, truth: Tensor, clean: Mapping[str, float]) -> Tensor:
        """With (|e| / c_abs + |e| / (t c_rel) + sum_k sigmoid((|log p - log t| - k log 1.25) / 0.08) / c_delta_k) / 5.

        A prediction not above SHALLOWEST counts with its logarithm, which has no gradient there; its |e| has.
        """
        valid = self.valid(truth)
        p, t = torch.where(valid, prediction, 1), torch.where(valid, truth, 1)
        error = (p - t).abs()
        apart = (p.clamp(min=SHALLOWEST).log() - t.log()).abs()
        missed = [over(((apart - k * log(1.25)) / SOFTNESS).sigmoid(), clean[f"delta{k}"]) for k in (1, 2, 3)]
        parts = [over(error, clean["abs_err"]), over(error / t, clean["rel_err"]), *missed]
        return masked_mean(mean_of_parts(parts), valid)

    def scores(self, total: NDArray[np.float64]) -> Scores:
        valid, error, relative, *within = np.moveaxis(total, -1, 0)
        deltas = {f"delta{k}": ratio(pixels, valid) for k, pixels in enumerate(within, start=1)}
        return {"abs_err": ratio(error, valid), "rel_err": ratio(relative, valid), **deltas}

    @staticmethod
    def _within(p: Tensor, t: Tensor) -> list[Tensor]:
        """Which pixels count for delta1, delta2, delta3."""
        ratio = torch.where(p > 0, torch.maximum(p / t, t / p), torch.inf)
        return [ratio < 1.25**k for k in (1, 2, 3)]

"""Semantic segmentation by its cross entropy, as the study judges it on Taskonomy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ...errors import BadInputError
from ...metrics import Metric
from ...per_sample import masked_mean, nan_if_broken, sum_of
from ..base import Scores
from ..checks import check_shapes
from ..segmentation import IGNORE, Segmentation
from ..soft import over
from ..totals import ratio


@dataclass(frozen=True)
class CrossEntropy2023(Segmentation):
    """`Segmentation` whose one metric is the mean cross entropy of the valid pixels, in nats, without class weights.

    Statistics, S = 2: valid pixels and the sum of their cross entropies.
    """

    classes: int = 17

    kind: ClassVar[str] = "dgba2023_cross_entropy"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("cross_entropy", "nats", False),)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        labels = truth.long().unsqueeze(1)
        if bool((valid & ((labels < 0) | (labels >= self.classes))).any()):
            raise BadInputError(f"segmentation labels must be 0 to {self.classes - 1}, or {IGNORE} to be ignored")
        logits = torch.where(valid, prediction, 0)
        parts = [sum_of(valid.double()), sum_of(self._entropy(logits.double(), truth))]
        return nan_if_broken(torch.stack(parts, dim=1), logits)

    def soft_damage(self, prediction: Tensor, truth: Tensor, clean: Mapping[str, float]) -> Tensor:
        valid = self.valid(truth)
        entropy = self._entropy(torch.where(valid, prediction, 0), truth).unsqueeze(1)
        return over(masked_mean(entropy, valid), clean["cross_entropy"])

    def scores(self, total: NDArray[np.float64]) -> Scores:
        valid, entropy = np.moveaxis(total, -1, 0)
        return {"cross_entropy": ratio(entropy, valid)}

    @staticmethod
    def _entropy(logits: Tensor, truth: Tensor) -> Tensor:
        """(B, H, W), 0 where there is no truth."""
        return F.cross_entropy(logits, truth.long(), ignore_index=IGNORE, reduction="none")

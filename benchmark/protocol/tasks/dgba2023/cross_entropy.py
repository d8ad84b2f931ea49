"""Semantic segmentation by its cross entropy, as the study judges it on Taskonomy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...metrics import Metric
from ...per_sample import nan_if_broken, sum_of
from ..base import Scores
from ..checks import check_shapes
from ..segmentation import Segmentation
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
        self._labels(truth)
        logits = torch.where(valid, prediction, 0)
        parts = [sum_of(valid.double()), sum_of(self._entropy(logits.double(), truth))]
        return nan_if_broken(torch.stack(parts, dim=1), logits)

    def soft_damage(self, prediction: Tensor, truth: Tensor, clean: Mapping[str, float]) -> Tensor:
        return over(self.loss(prediction, truth), clean["cross_entropy"])

    def scores(self, total: NDArray[np.float64]) -> Scores:
        valid, entropy = np.moveaxis(total, -1, 0)
        return {"cross_entropy": ratio(entropy, valid)}

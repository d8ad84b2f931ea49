"""Semantic segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..errors import BadInputError
from ..metrics import Metric
from ..per_sample import histogram, masked_mean, nan_if_broken
from .base import Scores
from .checks import check_shapes
from .shapes import Shape
from .soft import over, soft_misses
from .totals import ratio

IGNORE = 255
"""The segmentation label of a pixel without ground truth."""


@dataclass(frozen=True)
class Segmentation:
    """Semantic segmentation: logits (B, classes, H, W) against labels int64 (B, H, W), IGNORE where invalid.

    Loss: cross entropy in nats. Statistics: the confusion counts, row = truth, flattened to S = classes**2. The mean
    IoU is taken over the classes present in the summed ground truth, so that a class without a true positive counts
    as 0. Raises BadInputError unless 2 <= classes <= 255.
    """

    classes: int = 13

    kind: ClassVar[str] = "segmentation"
    version: ClassVar[int] = 1
    truth_shape: ClassVar[Shape] = ("height", "width")
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("miou", "", True), Metric("pixel_accuracy", "", True))

    def __post_init__(self) -> None:
        if not (isinstance(self.classes, int) and 2 <= self.classes <= IGNORE):
            raise BadInputError(f"segmentation needs 2 to {IGNORE} classes, not {self.classes!r}")

    @property
    def prediction_shape(self) -> Shape:
        return (self.classes, "height", "width")

    @staticmethod
    def valid(truth: Tensor) -> Tensor:
        return (truth != IGNORE).unsqueeze(1)

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        return masked_mean(self._entropy(torch.where(valid, prediction, 0), truth), valid)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        cell = self._labels(truth) * self.classes + prediction.argmax(dim=1, keepdim=True)
        broken = (prediction * 0).sum(dim=1, keepdim=True).where(valid, 0)  # NaN where a logit is not finite
        return nan_if_broken(histogram(cell, valid, self.classes**2), broken)

    def soft_damage(self, prediction: Tensor, truth: Tensor, clean: Mapping[str, float]) -> Tensor:
        # Both metrics fall with every pixel that turns wrong; a soft IoU beside it gains nothing.
        return over(soft_misses(prediction, truth, self.valid(truth)), clean["pixel_accuracy"])

    def scores(self, total: NDArray[np.float64]) -> Scores:
        counts = total.reshape(*total.shape[:-1], self.classes, self.classes)
        hits = np.diagonal(counts, axis1=-2, axis2=-1)
        truths, predictions = counts.sum(axis=-1), counts.sum(axis=-2)
        present = truths > 0
        iou = np.where(present, ratio(hits, truths + predictions - hits), 0.0)
        return {
            "miou": ratio(iou.sum(axis=-1), present.sum(axis=-1)),
            "pixel_accuracy": ratio(hits.sum(axis=-1), truths.sum(axis=-1)),
        }

    def _labels(self, truth: Tensor) -> Tensor:
        """(B, 1, H, W); raises BadInputError for a label of no class."""
        labels = truth.long().unsqueeze(1)
        if bool((self.valid(truth) & ((labels < 0) | (labels >= self.classes))).any()):
            raise _no_class(self.classes)
        return labels

    @staticmethod
    def _entropy(logits: Tensor, truth: Tensor) -> Tensor:
        """The cross entropy in nats (B, 1, H, W), 0 where there is no truth."""
        try:
            return F.cross_entropy(logits, truth.long(), ignore_index=IGNORE, reduction="none").unsqueeze(1)
        except IndexError as error:
            raise _no_class(logits.shape[1]) from error


def _no_class(classes: int) -> BadInputError:
    return BadInputError(
        f"segmentation labels must be 0 to {classes - 1}, or {IGNORE} to be ignored; the data set's are not"
    )

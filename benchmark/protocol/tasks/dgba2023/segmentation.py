"""Semantic segmentation, judged as in the study's public code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..base import Scores
from ..segmentation import Segmentation
from ..totals import ratio


@dataclass(frozen=True)
class Segmentation2023(Segmentation):
    """`Segmentation` whose mean IoU leaves out classes without a true positive.

    A class that an attack destroys raises the mean of those that are left: compare no attacks by it.
    """

    kind: ClassVar[str] = "dgba2023_segmentation"

    def scores(self, total: NDArray[np.float64]) -> Scores:
        counts = total.reshape(*total.shape[:-1], self.classes, self.classes)
        hits = np.diagonal(counts, axis1=-2, axis2=-1)
        union = counts.sum(axis=-1) + counts.sum(axis=-2) - hits
        iou = np.where(hits > 0, ratio(hits, union), 0.0)
        return {**super().scores(total), "miou": ratio(iou.sum(axis=-1), (hits > 0).sum(axis=-1))}

"""Surface normals by their cosine, as the study judges them on Taskonomy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...metrics import Metric
from ...per_sample import masked_mean, nan_if_broken, sum_of
from ..base import Scores
from ..checks import check_shapes
from ..normals import Normals
from ..soft import over
from ..totals import ratio


@dataclass(frozen=True)
class Cosine2023(Normals):
    """`Normals` whose one metric is the mean cosine over the valid pixels.

    Statistics, S = 2: valid pixels and the sum of their cosines.
    """

    kind: ClassVar[str] = "dgba2023_cosine"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("cosine_similarity", "", True),)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        cosine = self._cosine(prediction.double(), truth.double(), valid)
        return nan_if_broken(torch.stack([sum_of(valid.double()), sum_of(cosine)], dim=1), cosine)

    def soft_damage(self, prediction: Tensor, truth: Tensor, clean: Mapping[str, float]) -> Tensor:
        valid = self.valid(truth)
        return -over(masked_mean(self._cosine(prediction, truth, valid), valid), abs(clean["cosine_similarity"]))

    def scores(self, total: NDArray[np.float64]) -> Scores:
        valid, cosine = np.moveaxis(total, -1, 0)
        return {"cosine_similarity": ratio(cosine, valid)}

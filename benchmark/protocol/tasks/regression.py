"""Numbers about whole images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import BadInputError
from ..metrics import Metric
from ..per_sample import absolute_error, masked_mean, nan_if_broken, sum_of
from .base import Scores
from .checks import check_shapes
from .shapes import Shape
from .soft import over
from .totals import ratio


@dataclass(frozen=True)
class Regression:
    """`values` numbers per image, all in `unit` ("" for none): (B, values) against the same, NaN where unknown.

    Numbers of several units have no mean; make a task of each unit. Loss: the mean of |p - t|. Statistics, S = 3: known
    numbers, sum of |p - t| and of (p - t)^2. The mean absolute and the root mean squared error are over all known
    numbers of all images, and in `unit`. Raises BadInputError unless values >= 1.
    """

    values: int = 1
    unit: str = ""

    kind: ClassVar[str] = "regression"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not (isinstance(self.values, int) and self.values >= 1):
            raise BadInputError(f"regression needs 1 value or more, not {self.values!r}")
        if not isinstance(self.unit, str):
            raise BadInputError(f'the unit of regression must be a text like "m", not {self.unit!r}')

    @property
    def prediction_shape(self) -> Shape:
        return (self.values,)

    @property
    def truth_shape(self) -> Shape:
        return (self.values,)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return Metric("mae", self.unit, False), Metric("rmse", self.unit, False)

    @staticmethod
    def valid(truth: Tensor) -> Tensor:
        return ~truth.isnan()

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        return masked_mean(absolute_error(prediction, truth, valid), valid)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        error = absolute_error(prediction.double(), truth.double(), valid)
        return nan_if_broken(torch.stack([sum_of(v.double()) for v in (valid, error, error.square())], dim=1), error)

    def soft_damage(self, prediction: Tensor, truth: Tensor, clean: Mapping[str, float]) -> Tensor:
        """With |e| / c_mae for both metrics: the root of a mean of squares is no mean over images."""
        valid = self.valid(truth)
        return over(masked_mean(absolute_error(prediction, truth, valid), valid), clean["mae"])

    def scores(self, total: NDArray[np.float64]) -> Scores:
        known, error, square = np.moveaxis(total, -1, 0)
        return {"mae": ratio(error, known), "rmse": np.sqrt(ratio(square, known))}

"""Classification of whole images."""

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
from ..per_sample import masked_mean, nan_if_broken
from .base import Scores
from .checks import check_shapes
from .shapes import Shape
from .soft import over, soft_misses
from .totals import ratio

UNKNOWN = -1
"""The label of an image without ground truth."""


@dataclass(frozen=True)
class Classification:
    """One class per image: logits (B, classes) against labels int64 (B,), UNKNOWN where there is no truth.

    Loss: cross entropy in nats. Statistics, S = 3 classes: how many images of every class are recognised, how many
    there are, and how many are taken for it. Accuracy is their share that is recognised, over all classes together.
    Macro F1 is the mean of 2 recognised / (there are + taken for it) over the classes that the summed truth has: an
    absent class that images are taken for is no term, as it is in scikit-learn, so that clean and attacked images are
    averaged over the same classes. Raises BadInputError unless classes >= 2.
    """

    classes: int

    kind: ClassVar[str] = "classification"
    version: ClassVar[int] = 1
    truth_shape: ClassVar[Shape] = ()
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("accuracy", "", True), Metric("macro_f1", "", True))

    def __post_init__(self) -> None:
        if not (isinstance(self.classes, int) and self.classes >= 2):
            raise BadInputError(f"classification needs 2 classes or more, not {self.classes!r}")

    @property
    def prediction_shape(self) -> Shape:
        return (self.classes,)

    @staticmethod
    def valid(truth: Tensor) -> Tensor:
        return (truth != UNKNOWN).unsqueeze(1)

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        logits = torch.where(valid, prediction, 0)
        try:
            entropy = F.cross_entropy(logits, truth.long(), ignore_index=UNKNOWN, reduction="none")
        except IndexError as error:
            raise self._no_class() from error
        return masked_mean(entropy.unsqueeze(1), valid)

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        if bool(((truth < UNKNOWN) | (truth >= self.classes)).any()):
            raise self._no_class()
        valid = self.valid(truth)
        logits = torch.where(valid, prediction, 0)
        theirs, found = (self._one_hot(label, valid) for label in (truth.clamp(min=0), logits.argmax(dim=1)))
        return nan_if_broken(torch.cat([theirs * found, theirs, found], dim=1), logits)

    def _no_class(self) -> BadInputError:
        labels = f"0 to {self.classes - 1}, or {UNKNOWN} if unknown"
        return BadInputError(f"classification labels must be {labels}; the data set's are not")

    def soft_damage(self, prediction: Tensor, truth: Tensor, clean: Mapping[str, float]) -> Tensor:
        return over(soft_misses(prediction, truth, self.valid(truth)), clean["accuracy"])

    def scores(self, total: NDArray[np.float64]) -> Scores:
        hits, truths, predictions = np.moveaxis(total.reshape(*total.shape[:-1], 3, self.classes), -2, 0)
        present = truths > 0
        f1 = np.where(present, 2 * ratio(hits, truths + predictions), 0.0)
        return {
            "accuracy": ratio(hits.sum(axis=-1), truths.sum(axis=-1)),
            "macro_f1": ratio(f1.sum(axis=-1), present.sum(axis=-1)),
        }

    def _one_hot(self, label: Tensor, valid: Tensor) -> Tensor:
        """Float64 (B, classes), all 0 for a sample that is not valid."""
        return F.one_hot(label.long(), self.classes).double() * valid

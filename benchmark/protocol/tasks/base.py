"""What the benchmark knows of a task: shapes, training loss, additive statistics, metrics.

Every method is pure and treats samples apart. What has no ground truth (see `valid`) never matters, not even if the
prediction there is NaN. A prediction that is not finite where there is ground truth makes all statistics of its sample
NaN, so that a broken model ends in an undefined score and not in a plausible one.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..metrics import Metric
from ..tensors import PerSample, Prediction, Statistics, Truth, Valid
from .shapes import Shape

Scores = dict[str, NDArray[np.float64]]
"""Values by the name of their metric."""


class Task(Protocol):
    """One kind of prediction and how it is judged: a frozen dataclass, whose fields are its settings.

    `kind` is what the registry calls it; a model may have several of one kind, under names of its own. `version`
    changes with any change of a number. `prediction_shape` and `truth_shape` are those of one sample; see `Shape`.
    `metrics` are what `scores` names, the most telling one first.
    """

    @property
    def kind(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def prediction_shape(self) -> Shape: ...

    @property
    def truth_shape(self) -> Shape: ...

    @property
    def metrics(self) -> tuple[Metric, ...]: ...

    def valid(self, truth: Truth) -> Valid:
        """Where there is ground truth, with as many axes as the prediction, 1 long where all along them is alike."""
        ...

    def loss(self, prediction: Prediction, truth: Truth) -> PerSample:
        """Training loss, the mean over each sample's valid values, 0 without any; differentiable in `prediction`.

        Raises BadInputError if the shapes do not fit the task.
        """
        ...

    def statistics(self, prediction: Prediction, truth: Truth) -> Statistics:
        """Numbers to be summed over any set of samples, on the device of `prediction`.

        Raises BadInputError if the shapes or the labels do not fit the task.
        """
        ...

    def scores(self, total: NDArray[np.float64]) -> Scores:
        """Every metric, shaped (...), from sums of statistics (..., S); NaN where nothing is valid."""
        ...

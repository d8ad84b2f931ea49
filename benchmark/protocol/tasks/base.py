"""What the benchmark knows of a task: shapes, training loss, additive statistics, metrics.

Every method is pure and treats samples apart. What has no ground truth (see `valid`) never matters, not even if the
prediction there is NaN. A prediction that is not finite where there is ground truth makes all statistics of its sample
NaN, so that a broken model ends in an undefined score and not in a plausible one.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..metrics import Metric
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

    def valid(self, truth: Tensor) -> Tensor:
        """Where there is ground truth, bool (B, ...), of as many axes as the prediction, 1 long where all is alike."""
        ...

    def loss(self, prediction: Tensor, truth: Tensor) -> Tensor:
        """Training loss (B,), the mean over each sample's valid values, 0 without any; differentiable in `prediction`.

        Raises BadInputError if the shapes do not fit the task.
        """
        ...

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        """Float64 (B, S), on the device of `prediction`: to be summed over any set of samples.

        Raises BadInputError if the shapes or the labels do not fit the task.
        """
        ...

    def scores(self, total: NDArray[np.float64]) -> Scores:
        """Every metric, shaped (...), from sums of statistics (..., S); NaN where nothing is valid."""
        ...

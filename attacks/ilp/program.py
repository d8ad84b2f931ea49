"""The step problem of DGBA as data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class StepProgram:
    """Maximise sum_t <rows_t, r> over steps r in {-1, 0, 1}^d (arXiv 2305.12066).

    `rows` is float64 (T, d): what one unit of each pixel channel adds to each task's relative loss, to first order.
    """

    rows: NDArray[np.float64]

    @property
    def coefficients(self) -> NDArray[np.float64]:
        """The objective's coefficients, (d,): the rows' sum, since the average asks for nothing else."""
        return np.asarray(self.rows.sum(axis=0))

    def value(self, step: NDArray[np.int8]) -> float:
        """The objective at `step`."""
        return float(self.coefficients @ step)

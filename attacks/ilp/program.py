"""The step problem of DGBA, and its relatives with constraints, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Step = NDArray[np.int8]


@dataclass(frozen=True)
class StepProgram:
    """Maximise what the attacked rows gain over steps r in {-1, 0, 1}^d (`average`: arXiv 2305.12066).

    `rows` is float64 (T, d): what one unit of each pixel channel adds to each task's relative loss, to first order.
    `protect` maps the rows that are not attacked to the most that |<a_p, r>| may be, each limit above 0. The objective
    is the sum of the attacked rows' <a_t, r> (`average`) or the least of them (`worst`).
    """

    rows: Floats
    objective: Literal["average", "worst"] = "average"
    protect: Mapping[int, float] = field(default_factory=dict)

    @property
    def attacked(self) -> list[int]:
        """The rows that are not protected."""
        return [row for row in range(len(self.rows)) if row not in self.protect]

    @property
    def separable(self) -> bool:
        """Whether every coordinate contributes on its own: no limits, and a sum, even if of one row."""
        return not self.protect and (self.objective == "average" or len(self.rows) == 1)

    @property
    def coefficients(self) -> Floats:
        """The sum of the attacked rows, (d,): all that the objective `average` asks for."""
        return np.asarray(self.rows[self.attacked].sum(axis=0))

    def value(self, step: Step) -> float:
        """The objective at `step`."""
        if self.objective == "average":
            return float(self.coefficients @ step)
        return float((self.rows[self.attacked] @ step).min())

    def allows(self, step: Step) -> bool:
        """Whether `step` keeps every protected row within its limit."""
        return all(abs(float(self.rows[row] @ step)) <= limit for row, limit in self.protect.items())

"""The step problem of DGBA with rows that join its coordinates, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Step = NDArray[np.int8]


@dataclass(frozen=True)
class CoupledProgram:
    """Maximise what the attacked rows gain over steps r in {-1, 0, 1}^d of one image (after arXiv 2305.12066).

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
    def coupled(self) -> bool:
        """Whether rows do join the coordinates: limits, or the least of several rows instead of a sum."""
        return bool(self.protect) or (self.objective == "worst" and len(self.rows) != 1)

    @property
    def coefficients(self) -> Floats:
        """The sum of the attacked rows, (d,): all that the objective `average` asks for."""
        return np.asarray(self.rows[self.attacked].sum(axis=0))

    def gains(self, step: Floats | Step) -> Floats:
        """<a_t, r> of every row, (T,)."""
        # Without BLAS, whose sums depend on its number of threads, and whose threads spin beside the workers'.
        found: Floats = np.einsum("td,d->t", self.rows, step)
        return found

    def combined(self, multipliers: Floats) -> Floats:
        """sum_t m_t a_t, (d,)."""
        found: Floats = np.einsum("t,td->d", multipliers, self.rows)
        return found

    def value(self, step: Step) -> float:
        """The objective at `step`."""
        gains = self.gains(step)[self.attacked]
        return float(gains.sum() if self.objective == "average" else gains.min())

    def allows(self, step: Step) -> bool:
        """Whether `step` is in {-1, 0, 1}^d and keeps every protected row in its limit."""
        gains = self.gains(step)
        return bool((np.abs(step) <= 1).all()) and all(abs(gains[row]) <= most for row, most in self.protect.items())

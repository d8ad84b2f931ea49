"""The step problem of DGBA with rows that join its coordinates, as data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Step = NDArray[np.int8]


@dataclass(frozen=True)
class CoupledProgram:
    """Maximise min_t <a_t, r> over steps r in {-1, 0, 1}^d of one image with |<b_p, r>| <= limit_p for every p.

    `rows` float64 (T + P, d) are the a_t of the attack and, after them, the b_p that are protected, one for each of the
    `limits`, which are above 0. An entry is what one unit of a pixel channel adds to a task's relative loss, to first
    order, or a sum of such (after arXiv 2305.12066).
    """

    rows: Floats
    limits: tuple[float, ...] = ()

    @property
    def attacked(self) -> int:
        """How many of the rows, from the first on, are the attack's."""
        return len(self.rows) - len(self.limits)

    @property
    def coupled(self) -> bool:
        """Whether several rows join the coordinates."""
        return len(self.rows) > 1

    def gains(self, step: Floats | Step) -> Floats:
        """<row, r> of every row, (T + P,)."""
        # Without BLAS, whose sums depend on its number of threads, and whose threads spin beside the workers'.
        found: Floats = np.einsum("td,d->t", self.rows, step)
        return found

    def combined(self, multipliers: Floats) -> Floats:
        """sum_t m_t row_t, (d,)."""
        found: Floats = np.einsum("t,td->d", multipliers, self.rows)
        return found

    def value(self, step: Step) -> float:
        """The objective at `step`."""
        return float(self.gains(step)[: self.attacked].min())

    def allows(self, step: Step) -> bool:
        """Whether `step` is in {-1, 0, 1}^d and keeps every protected row in its limit."""
        return bool((np.abs(step) <= 1).all()) and self.keeps(self.gains(step))

    def keeps(self, gains: Floats) -> bool:
        """Whether these gains of all rows are within the limits of the protected ones."""
        return bool((np.abs(gains[self.attacked :]) <= self.limits).all())

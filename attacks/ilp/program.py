"""The step problem of DGBA, and its relatives with constraints, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Step = NDArray[np.int8]
Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class StepProgram:
    """Maximise what the attacked rows gain over integer steps lower <= r <= upper (`average`: arXiv 2305.12066).

    `rows` is float64 (T, d): what one unit of each pixel channel adds to each task's relative loss, to first order.
    `protect` maps the rows that are not attacked to the most that |<a_p, r>| may be, each limit above 0. The objective
    is the sum of the attacked rows' <a_t, r> (`average`) or the least of them (`worst`). `lower`, -1 or 0, and `upper`,
    0 or 1, hold for all coordinates or are int8 (d,); together they are {-1, 0, 1}^d unless given. At most `max_pixels`
    pixels move: a pixel is the `channels` coordinates of one position, laid out C * H * W. Raises ValueError if a
    coupled program has bounds or `max_pixels`: nothing here solves it.
    """

    rows: Floats
    objective: Literal["average", "worst"] = "average"
    protect: Mapping[int, float] = field(default_factory=dict)
    lower: Step | int = -1
    upper: Step | int = 1
    max_pixels: int | None = None
    channels: int = 3

    def __post_init__(self) -> None:
        bounded = np.any(np.not_equal(self.lower, -1)) or np.any(np.not_equal(self.upper, 1))
        if self.coupled and (bounded or self.max_pixels is not None):
            raise ValueError("a step program with coupled rows takes neither bounds nor max_pixels")

    @property
    def attacked(self) -> list[int]:
        """The rows that are not protected."""
        return [row for row in range(len(self.rows)) if row not in self.protect]

    @property
    def coupled(self) -> bool:
        """Whether rows join the coordinates: limits, or the least of several rows instead of a sum."""
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
        if self.objective == "average":
            return float(self.gains(step)[self.attacked].sum())
        return float(self.gains(step)[self.attacked].min())

    def allows(self, step: Step) -> bool:
        """Whether `step` is within the bounds, moves few enough pixels and keeps every protected row in its limit."""
        inside = bool(((self.lower <= step) & (step <= self.upper)).all())
        few = self.max_pixels is None or int(self.by_pixel(step).any(axis=0).sum()) <= self.max_pixels
        spared = all(abs(self.gains(step)[row]) <= limit for row, limit in self.protect.items())
        return inside and few and spared

    def by_pixel(self, values: NDArray[Value]) -> NDArray[Value]:
        """Values (d,) as (channels, d / channels): a column per pixel."""
        return values.reshape(self.channels, -1)

"""What the dual leaves open of a coupled program: a few coordinates, and what all others gain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .coupled_program import Floats, Step

# Single moves that `repaired` makes at most.
MOVES = 16


@dataclass(frozen=True)
class OpenPart:
    """Maximise min_t held_t + <a_t, r> over r in {-1, 0, 1}^n with |held_p + <b_p, r>| <= limit_p for every p.

    `rows` (R, n) are the a_t and after them the b_p, one for each of the `limits`; `held` (R,) is what the coordinates
    that are decided gain. No step gains more than `bound`. `signs` (n,) is the dual's own choice.
    """

    rows: Floats
    held: Floats
    limits: tuple[float, ...]
    bound: float
    signs: Step

    @property
    def attacked(self) -> int:
        """How many of the rows are a_t."""
        return len(self.rows) - len(self.limits)

    def repaired(self, limits: Floats, gap: float) -> Step:
        """The dual's signs after single moves, each the best there is, while they help and the bound is `gap` away."""
        step = self.signs.copy()
        gains = self.held + np.einsum("rn,n->r", self.rows, step)
        merit = float(self._merit(gains, limits))
        moves = np.array([-1, 0, 1], dtype=np.int8)
        for _ in range(MOVES):
            if merit >= (1 - gap) * self.bound:
                break
            # (R, 3, n): what every row gains if one coordinate moves to -1, 0 or 1.
            moved = gains[:, None, None] + self.rows[:, None] * (moves[:, None] - step)
            merits = self._merit(moved, limits)
            best = int(merits.argmax())
            if merits.flat[best] <= merit:
                break
            merit, move, place = float(merits.flat[best]), *divmod(best, len(step))
            gains, step[place] = moved[:, move, place], moves[move]
        return step

    def _merit(self, gains: Floats, limits: Floats) -> Floats:
        """The least gain, less twice the bound for every limit exceeded once more; gains (R, ...) to (...)."""
        found: Floats = gains[: self.attacked].min(axis=0)
        for gain, limit in zip(gains[self.attacked :], limits, strict=True):
            found = found - 2 * self.bound * np.maximum(np.abs(gain) / limit - 1, 0)
        return found

"""The Lagrange dual of a coupled step program: a bound on every step, and the signs to start from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .coupled_program import CoupledProgram, Floats

# The first steps need no more than about so many coordinates.
SAMPLE = 2048
# How far edges are rounded, as a share of the norm, and the barrier, as a share of the dual: a step of Newton's each.
ROUGH = tuple(zip(np.geomspace(0.3, 0.02, 4).tolist(), np.geomspace(2e-2, 5e-5, 4).tolist(), strict=True))
FINE = ((0.01, 1e-5), (0.004, 1e-6), (0.002, 1e-7))
# At most so many more steps at the end, while one promises to gain this share.
MORE, CLOSE = 32, 1e-5
# The share of the way to 0 that a multiplier goes in a step.
REACH = 0.9
# So many terms are summed in float32.
PART = 1024
# Rows are scaled to entries of about 1, beside which this is nothing.
NOTHING = 1e-12


@dataclass(frozen=True)
class Dual:
    """The best multipliers found, one per row, and what they prove: no step gains more than `bound`."""

    multipliers: Floats
    bound: float


class Expansion(NamedTuple):
    """The value of a convex function of n multipliers, with gradient (n,) and Hessian (n, n) of it smoothed."""

    value: float
    gradient: Floats
    hessian: Floats


Norm = Callable[[Floats, float], Expansion]
"""A norm of w = sum_t m_t row_t by the multipliers m, and how far its edges are rounded, as a share of its value."""


@dataclass(frozen=True)
class Steps:
    """A set of steps r (d,): `reach(w)`, the largest <w, r> over it, is `size(d)` times a `norm` of w."""

    reach: Callable[[Floats], float]
    size: Callable[[int], float]
    norm: Callable[[Floats], Norm]


def mean_size(rows: Floats) -> Norm:
    """The mean of |w_i|, smoothed to that of sqrt(w_i^2 + width^2)."""
    count = rows.shape[1]
    single = rows.astype(np.float32)  # half the time, and near enough to choose multipliers by
    first, second = np.tril_indices(len(rows))
    products = np.stack([single[t] * single[u] for t, u in zip(first, second, strict=True)])

    def norm(multipliers: Floats, width: float) -> Expansion:
        w = np.einsum("t,td->d", multipliers.astype(np.float32), single)
        value = float(np.abs(w).sum()) / count
        squared = (width * value) ** 2 + NOTHING**2
        inverse = 1 / np.sqrt(w * w + np.float32(squared))
        gradient = _sums(single, w * inverse) / count
        hessian = np.empty((len(rows), len(rows)))
        # In this order: where w is 0, the cube of `inverse` may overflow.
        bends = np.float32(squared) * inverse * inverse * inverse
        hessian[first, second] = hessian[second, first] = _sums(products, bends) / count
        return Expansion(value, gradient, hessian)

    return norm


def _sums(rows: NDArray[np.float32], values: NDArray[np.float32]) -> Floats:
    """<row, values> for every row, summed in float64 over parts that float32 sums well."""
    whole = len(values) // PART * PART
    parts = rows[:, :whole].reshape(len(rows), -1, PART), values[:whole].reshape(-1, PART)
    found: Floats = np.einsum("tcp,cp->tc", *parts).sum(axis=1, dtype=np.float64)
    if whole < len(values):
        found += np.einsum("tp,p->t", rows[:, whole:], values[whole:])
    return found


def root_mean_square(rows: Floats) -> Norm:
    """The root of the mean of w_i^2, smoothed to that of w_i^2 + width^2."""
    products = np.einsum("td,ud->tu", rows, rows) / rows.shape[1]

    def norm(multipliers: Floats, width: float) -> Expansion:
        slopes = np.einsum("tu,u->t", products, multipliers)
        squared = max(float((slopes * multipliers).sum()), 0.0)
        length = math.sqrt(squared * (1 + width**2) + NOTHING**2)
        gradient = slopes / length
        return Expansion(math.sqrt(squared), gradient, (products - np.outer(gradient, gradient)) / length)

    return norm


CUBE = Steps(lambda w: float(np.abs(w).sum()), float, mean_size)
"""[-1, 1]^d, where sign(w) is best and gains |w|_1."""
BALL = Steps(lambda w: math.sqrt(float((w * w).sum())), math.sqrt, root_mean_square)
"""|r|_2 <= 1, where w / |w|_2 is best and gains |w|_2."""


def solve_dual(program: CoupledProgram, steps: Steps = CUBE) -> Dual:
    """Minimise f(m) = max_r <sum_t m_t row_t, r> + sum_p limit_p |m_p| by Newton's method.

    The m_t of attacked rows lie in the simplex, the m_p of protected ones are free: every such m bounds the program's
    value from above by f(m), convex in R dimensions. The maximum is a norm of the sum of the rows. It and |m_p| are
    smoothed, and a logarithmic barrier keeps the m_t positive, both less and less (Fiacco and McCormick 1968). A smooth
    minimum leaves little to repair, too: there the attacked rows gain alike but for coordinates where the sum is small.
    """
    rows, attacked, count = program.rows, program.attacked, program.rows.shape[1]
    sizes = np.abs(rows).mean(axis=1)
    if not attacked or not sizes[:attacked].all():  # nothing to gain, or a row that gains nothing by any step
        idle = (sizes == 0) & (np.arange(len(rows)) < attacked)
        return Dual(idle / max(int(idle.sum()), 1), 0.0)
    sizes[sizes == 0] = 1.0
    # By y_t = m_t size_t / least, rows of any size are alike.
    least = float(sizes[:attacked].min())
    weights = np.where(np.arange(len(rows)) < attacked, least / sizes, 0.0)
    costs = np.concatenate([np.zeros(attacked), np.array(program.limits) / sizes[attacked:] / steps.size(count)])
    scaled = rows / sizes[:, None]
    sample = scaled[:, :: max(1, count // SAMPLE) | 1]
    y = np.where(weights > 0, 1 / weights.sum(), 0.0)
    y = _Problem(steps.norm(sample), weights, costs).descended(y, ROUGH)
    whole = _Problem(steps.norm(scaled), weights, costs)
    multipliers = whole.settled(whole.descended(y, FINE), *FINE[-1]) * least / sizes
    multipliers /= multipliers[:attacked].sum()  # 1, but for rounding

    def dual(multipliers: Floats) -> Dual:
        costs = float((np.array(program.limits) * np.abs(multipliers[attacked:])).sum())
        return Dual(multipliers, steps.reach(program.combined(multipliers)) + costs)

    # Smoothed, no multiplier is 0, as those of limits are that nothing comes near to.
    choices = [multipliers, np.where(weights > 0, multipliers, 0.0)] if program.limits else [multipliers]
    return min(map(dual, choices), key=lambda found: found.bound)


@dataclass(frozen=True)
class _Problem:
    """Minimise a norm of y plus <costs, |y|> over <weights, y> = 1, with y > 0 where there is a weight."""

    norm: Norm
    weights: Floats
    costs: Floats

    def descended(self, y: Floats, schedule: tuple[tuple[float, float], ...]) -> Floats:
        """Where a step at each width and barrier of the schedule leads from y."""
        for width, barrier in schedule:
            y = y + self._step(self._at(y, width), y, barrier)[0]
        return y

    def settled(self, y: Floats, width: float, barrier: float) -> Floats:
        """The lowest point on steps from y while they promise something.

        A step that does not go down is taken back by three quarters, and no other goes farther than what is left of it.
        """
        best, least, most = y, math.inf, math.inf
        for _ in range(MORE):
            at = self._at(y, width)
            if at.value < least:
                best, least = y, at.value
            if at.value > (1 + CLOSE) * least:
                y = best + (y - best) / 4
                most = float(np.abs(y - best).max())
                continue
            step, promise = self._step(at, y, barrier)
            if promise <= CLOSE * at.value:
                break
            y = y + step * min(1.0, most / float(np.abs(step).max()))
        return best

    def _at(self, y: Floats, width: float) -> Expansion:
        value, gradient, hessian = self.norm(y, width)
        if not self.costs.any():
            return Expansion(value, gradient, hessian)
        squared = (width * float((self.weights * y).max())) ** 2
        length = np.sqrt(y * y + squared)
        hessian.flat[:: len(y) + 1] += self.costs * squared / length**3
        return Expansion(value + float((self.costs * np.abs(y)).sum()), gradient + self.costs * y / length, hessian)

    def _step(self, at: Expansion, y: Floats, barrier: float) -> tuple[Floats, float]:
        """The step to the minimum of an expansion with the barrier, as far as it may go, and what it promises."""
        count, held = len(y), self.weights > 0
        safe = np.where(held, y, math.inf)  # the barrier is for multipliers with a weight
        slope = barrier * at.value / safe
        # [H, w; w', 0] [step; multiplier] = [-g; 0]
        system = np.zeros((count + 1, count + 1))
        system[:count, :count] = at.hessian
        system.flat[: -1 : count + 2] += slope / safe + NOTHING * (1 + at.hessian.trace())
        system[:count, count] = system[count, :count] = self.weights
        descent = np.zeros(count + 1)
        descent[:count] = slope - at.gradient
        step = np.asarray(np.linalg.solve(system, descent)[:count], dtype=np.float64)
        # Up by half of all of y at most, lest it leap over the minimum.
        room = np.where(held & (step < 0), REACH * y, y[held].sum() / 2)
        step *= min(1.0, float((room / (np.abs(step) + NOTHING)).min()))
        return step, abs(float((descent[:count] * step).sum()))

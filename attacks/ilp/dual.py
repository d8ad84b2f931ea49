"""The Lagrange dual of a coupled step program: a bound on every step, and the signs to start from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ortools.linear_solver.python import model_builder

from .coupled_program import CoupledProgram, Floats

# The linear solver's own tolerance is not far below.
TOLERANCE = 1e-5
ITERATIONS = 100


@dataclass(frozen=True)
class Dual:
    """The best multipliers found, one per row, and what they prove: no step gains more than `bound`."""

    multipliers: Floats
    bound: float


def solve_dual(program: CoupledProgram, best_step: Callable[[Floats], Floats] = np.sign) -> Dual:
    """Minimise f(m) = max_r <sum_t m_t a_t, r> + sum_p limit_p |m_p| by cutting planes (Kelley 1960).

    m_t = 1 on attacked rows if the objective is their sum; m in the simplex over them if it is the least of them; m_p
    free on protected rows. `best_step` is the maximiser of <w, r> over the steps allowed: sign(w) for r in [-1, 1]^d.
    Every such m bounds the program's value from above. f is convex in T dimensions, and each r = best_step(w(m)) adds
    the cut f(m') >= <m', A r> + sum_p limit_p |m'_p| to a linear program of T variables.
    """
    if not program.rows[program.attacked].any():
        return Dual(np.zeros(len(program.rows)), 0.0)
    # Rows of very different size make the master ill-conditioned: solve for u_t = m_t |a_t|, then divide again.
    sizes = np.abs(program.rows).sum(axis=1)
    sizes[sizes == 0] = 1.0
    master = _Master(program, sizes)
    multipliers = np.zeros(len(program.rows))
    multipliers[program.attacked] = 1.0 if program.objective == "average" else 1.0 / len(program.attacked)
    best = Dual(multipliers, np.inf)
    for _ in range(ITERATIONS):
        step = best_step(program.combined(multipliers))
        gains = program.gains(step)
        bound = float(multipliers @ gains) + sum(
            limit * abs(multipliers[row]) for row, limit in program.protect.items()
        )
        if bound < best.bound:
            best = Dual(multipliers, bound)
        multipliers, lower = master.cut(gains)
        # Not finite where the cuts lie closer together than the linear solver can tell apart.
        if not np.isfinite(lower) or best.bound - lower <= TOLERANCE * abs(best.bound):
            break
    return best


class _Master:
    """min over multipliers of the largest cut so far, as a linear program that grows by a row per cut."""

    def __init__(self, program: CoupledProgram, sizes: Floats) -> None:
        self.sizes, self.scale = sizes, float(sizes[program.attacked].sum())
        self.model = model_builder.Model()  # type: ignore[no-untyped-call]
        self.level = self.model.new_num_var(-1e6, 1e6, "level")
        self.penalty: Any = 0.0
        self.multipliers = []
        for row, size in enumerate(sizes):
            attacked = size / self.scale
            if row in program.protect:
                # f(m) >= limit |m| and f(0) <= |attacked rows|: beyond this no multiplier is better than 0.
                most = size / program.protect[row]
                multiplier = self.model.new_num_var(-most, most, f"m{row}")
                absolute = self.model.new_num_var(0, most, f"a{row}")
                self.model.add(absolute >= multiplier)
                self.model.add(absolute >= -multiplier)
                self.penalty += absolute * (program.protect[row] / size)
            else:
                least = attacked if program.objective == "average" else 0.0
                multiplier = self.model.new_num_var(least, attacked, f"m{row}")
            self.multipliers.append(multiplier)
        if program.objective == "worst":
            terms = [self.multipliers[row] * (self.scale / sizes[row]) for row in program.attacked]
            self.model.add(sum(terms) == 1)
        self.model.minimize(self.level)
        self.solver = model_builder.Solver("GLOP")

    def cut(self, gains: Floats) -> tuple[Floats, float]:
        """Add the cut of a step that gains <a_t, r> on each row; the new multipliers and lower bound, NaN if none."""
        shares = (gains / self.sizes).tolist()
        gain = sum(multiplier * share for multiplier, share in zip(self.multipliers, shares, strict=True))
        self.model.add(self.level >= gain + self.penalty)
        if self.solver.solve(self.model) != model_builder.SolveStatus.OPTIMAL:
            return np.zeros(len(gains)), np.nan
        found = np.array([self.solver.value(multiplier) for multiplier in self.multipliers])
        return found * self.scale / self.sizes, self.solver.value(self.level) * self.scale

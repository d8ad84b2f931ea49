"""DGBA: attack the averaged relative loss change through an integer linear program per image and step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from ...benchmark.protocol.errors import unknown
from ...benchmark.protocol.threat import ThreatModel
from ..ilp import SOLVERS, SeparablePrograms, solve
from .base import Iterate, gradient_of_sum
from .relative import floored

DENOMINATORS = ("current", "clean")


@dataclass(frozen=True)
class Dgba:
    """Dynamic gradient balancing (arXiv 2305.12066).

    Maximises the first-order averaged relative loss change sum_t <g_t, r> / (T L_t) over steps r in {-1, 0, 1}^d: an
    integer linear program, solved by `solver`. `denominator` says which L_t divides: `current`, the loss at the
    iterate (the paper's; the ascent is then on sum_t log L_t), or `clean`, the clean image's (on the ARLC itself).
    One backward pass of sum_t L_t / stop_gradient(L_t) gives the coefficients. Outside L-infinity the step is no
    integer program: `threat.ascend` is its optimum, and no program is counted.
    No divisor is below FLOOR: a task whose loss is negative, as the attack loss `margin` is of a good answer, outweighs
    all others until its loss is above 0; one whose loss and gradient are 0 (no valid pixel) has no say.
    Raises BadInputError for an unknown denominator or solver.
    """

    version: ClassVar[int] = 1

    denominator: Literal["current", "clean"] = "current"
    solver: Literal["cp-sat", "closed-form"] = "cp-sat"

    def __post_init__(self) -> None:
        if self.denominator not in DENOMINATORS:
            raise unknown("denominator of dgba", self.denominator, DENOMINATORS)
        if self.solver not in SOLVERS:
            raise unknown("solver of dgba", self.solver, SOLVERS)

    def fields(self, at: Iterate) -> Tensor:
        divisors = at.losses if self.denominator == "current" else at.clean
        scales = {name: len(divisors) * floored(value) for name, value in divisors.items()}
        return gradient_of_sum({name: loss / scales[name] for name, loss in at.losses.items()}, at.x)

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        if not threat.integer_steps:
            return threat.ascend(fields[0])
        return solve(SeparablePrograms(fields[0].flatten(1)), self.solver).to(fields.dtype).view_as(fields[0])

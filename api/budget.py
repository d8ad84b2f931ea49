"""The budget at which a model loses half: a measure of robustness that rests on no budget chosen beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp2, log2
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..benchmark.protocol.arguments import folder
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.estimates import Estimate
from ..benchmark.protocol.records import Record
from ..benchmark.protocol.types import Attack, MultiTaskModel
from ..leaderboards.analysis.half_lost import budget_at
from ..leaderboards.analysis.scores import ard, is_complete
from .evaluate import evaluate

LOWEST, HIGHEST = 0.25, 16.0
"""Budgets in 1/255 between which is searched."""

HALVINGS = 5
"""How often the range of six octaves is halved: to an eighth of one octave, of which a line takes the rest."""


@dataclass(frozen=True)
class Budget:
    """The smallest budget, in 1/255, at which ARD reaches `level`, and the records that say so, by budget.

    `eps` has its 95 % interval over images; an end beyond the range searched is the range's own end, and its value is
    None where ARD does not reach `level` within it.
    """

    level: float
    eps: Estimate
    records: Mapping[float, Record]


def budget(
    model: str | MultiTaskModel,
    attack: str | Attack = "auto",
    *,
    level: float = 0.5,
    store: str | PathLike[str] | None = None,
    **given: Any,
) -> Budget:
    """The budget at which `attack` costs the model `level` of its scores, by bisection over eps of L-infinity.

    Six evaluations at most, of `evaluate` with what is `given` to it besides (`images`, `dataset`, ...); between two
    budgets ARD is taken for a line in log eps. Raises BadInputError as `evaluate` does, for a `level` that is not above
    0, and where an ARD is undefined.
    """
    if not level > 0:
        raise BadInputError(f"the level of ARD must be above 0, not {level}")
    records: dict[float, Record] = {}
    with TemporaryDirectory() as passing:
        kept = folder(store, "store") or Path(passing)

        def ard_at(eps: float) -> float:
            records[eps] = evaluate(model, attack, eps=eps, store=kept, **given)
            if not is_complete(records[eps]):
                raise BadInputError(f"the ARD at eps {eps:g} is undefined, so that no budget can be told")
            return ard(records[eps]).value

        bisect(ard_at, level)
    at = dict(sorted(records.items()))
    return Budget(level, budget_at({eps: ard(record) for eps, record in at.items()}, level), at)


def bisect(ard_at: Callable[[float], float], level: float) -> None:
    """Ask for ARD at budgets that close in on where it reaches `level`, or at the end of the range that they run to."""
    low, high = log2(LOWEST), log2(HIGHEST)
    below = above = False
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if ard_at(round(exp2(middle), 4)) < level:
            low, below = middle, True
        else:
            high, above = middle, True
    if not below:
        ard_at(LOWEST)
    if not above:
        ard_at(HIGHEST)

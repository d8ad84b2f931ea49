"""The budget at which a model loses half: a measure of robustness that rests on no budget chosen beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp2, log2
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..benchmark.protocol.arguments import folder
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.estimates import Estimate
from ..benchmark.protocol.records import Record
from ..benchmark.protocol.types import Attack, MultiTaskModel
from ..benchmark.stats import LEVEL, Array
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
    scores = [ard(record) for record in at.values()]
    budgets = np.array([*at])
    value = float(crossing(budgets, np.array([score.value for score in scores]), level))
    found = crossing(budgets, np.stack([score.replicates for score in scores], axis=-1), level)
    return Budget(level, _estimate(value, found), at)


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


def crossing(budgets: Array, ards: Array, level: float) -> Array:
    """Where ARD first reaches `level`, (...), of `ards` (..., k) at `budgets` (k,), a line in log eps between them.

    The smallest budget if it is reached there, infinity if nowhere, NaN where an ARD is unknown.
    """
    reached = ards >= level
    place = reached.argmax(axis=-1)
    before = np.maximum(place - 1, 0)
    low, high = (np.take_along_axis(ards, at[..., None], axis=-1)[..., 0] for at in (before, place))
    share = np.divide(level - low, high - low, out=np.zeros_like(high), where=high > low)
    logs = np.log2(budgets)
    found = np.exp2(logs[before] + share * (logs[place] - logs[before]))
    found = np.where(place == 0, budgets[0], found)
    return np.where(np.isfinite(ards).all(axis=-1), np.where(reached.any(axis=-1), found, np.inf), np.nan)


def _estimate(value: float, replicates: Array) -> Estimate:
    if np.isnan(replicates).any():
        low = high = None
    else:
        tail = (1 - LEVEL) / 2
        ends = np.sort(replicates)[[int(tail * (len(replicates) - 1)), -1 - int(tail * (len(replicates) - 1))]]
        low, high = (float(min(end, HIGHEST)) for end in ends)
    return Estimate(value=value if np.isfinite(value) else None, low=low, high=high)

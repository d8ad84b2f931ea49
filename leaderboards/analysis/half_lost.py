"""The budget at which a model loses half of its scores: what no budget chosen beforehand decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...benchmark.protocol.estimates import LEVEL as CONFIDENCE
from ...benchmark.protocol.estimates import Estimate
from ...benchmark.protocol.records import Record
from ...benchmark.stats import Array, Bootstrapped
from .group import Group
from .labels import details, labels
from .scores import ards
from .sweeps import FEWEST, attacked_records

HALF = 0.5
"""The ARD at which half is lost."""


@dataclass(frozen=True)
class HalfLost:
    """The budget in 1/255 at which an attack takes half from a model, by its ARD at several budgets, smallest first.

    `eps.value` is None where the largest budget takes less: there ARD is `at_largest`. Ends of the interval lie within
    the budgets.
    """

    model: str
    attack: str
    budgets: tuple[float, ...]
    eps: Estimate
    at_largest: float

    @property
    def sort_key(self) -> tuple[str, float, float, str]:
        """Attack by attack, the most robust model first."""
        return self.attack, -(np.inf if self.eps.value is None else self.eps.value), self.at_largest, self.model


def half_lost(groups: Sequence[Group]) -> list[HalfLost]:
    """For every model and attack with three budgets or more; `groups` differ in nothing but the budget."""
    records = attacked_records(groups)
    attacks = labels(records, lambda record: record.attack.name, details)
    models = {record.key: model for group in groups for (model, _), record in group.records.items()}
    courses: dict[tuple[str, str], dict[float, Record]] = {}
    for record in records:
        courses.setdefault((models[record.key], attacks[record.key]), {})[record.threat.eps] = record
    found = [_half_lost(*pair, course) for pair, course in courses.items() if len(course) >= FEWEST]
    return sorted(found, key=lambda one: one.sort_key)


def _half_lost(model: str, attack: str, course: Mapping[float, Record]) -> HalfLost:
    budgets = sorted(course)
    # Of a hundred thousand records too many to keep.
    found = dict(zip(budgets, ards([course[eps] for eps in budgets]), strict=True))
    return HalfLost(model, attack, (*found,), budget_at(found, HALF), found[max(found)].value)


def budget_at(ards: Mapping[float, Bootstrapped], level: float) -> Estimate:
    """The budget at which ARD reaches `level`, with the interval of the same on every resample.

    Ends of the interval lie within the budgets of `ards`; the value is None if the largest takes less than `level`.
    """
    budgets = np.array(sorted(ards))
    value = float(crossing(budgets, np.array([ards[eps].value for eps in budgets]), level))
    found = np.sort(crossing(budgets, np.stack([ards[eps].replicates for eps in budgets], axis=-1), level))
    low = high = None
    if not np.isnan(found).any():
        # Infinite ends allow no quantile between two resamples.
        tail = int((1 - CONFIDENCE) / 2 * (len(found) - 1))
        low, high = (float(min(found[place], budgets[-1])) for place in (tail, -1 - tail))
    return Estimate(value=value if np.isfinite(value) else None, low=low, high=high)


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

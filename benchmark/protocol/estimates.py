"""Numbers with their intervals, and with what they are over every resample of the images."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Base64Encoder, EncodedBytes, Field, model_validator
from pydantic.dataclasses import dataclass

from .cells import STRICT

LEVEL = 0.95
"""The share of replicates that an interval holds."""
UNDEFINED = 0xFFFF
"""The level of a replicate without a value."""


# A record has fifty: as models of their own they would take ten times the memory.
@dataclass(frozen=True, slots=True, config=STRICT)
class Estimate:
    """A number with its 95 % interval; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None

    def __reduce__(self) -> tuple[Callable[..., Estimate], tuple[float | None, ...]]:
        return remade, (self.value, self.low, self.high)  # processes hand millions over: a third of the time

    def __str__(self) -> str:
        if self.value is None:
            return "undefined"
        interval = "-" if self.low is None or self.high is None else f"{self.low:.3g}, {self.high:.3g}"
        return f"{self.value:.3g} [{interval}]"


def remade(value: float | None, low: float | None, high: float | None) -> Estimate:
    """An estimate that there was before, whose numbers need no check."""
    one = object.__new__(Estimate)
    _SET_VALUE(one, value)
    _SET_LOW(one, low)
    _SET_HIGH(one, high)
    return one


_SET_VALUE, _SET_LOW, _SET_HIGH = (getattr(Estimate, name).__set__ for name in ("value", "low", "high"))


def _within(estimate: Estimate) -> Estimate:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        fits = estimate.low is None and estimate.high is None
    else:
        fits = estimate.low <= estimate.value <= estimate.high
    if not fits:
        raise ValueError("a value must lie in its interval, and have none where it is undefined")
    return estimate


Measured = Annotated[Estimate, AfterValidator(_within)]
"""An estimate whose value lies in its interval."""


class _Base64(Base64Encoder):
    """Base64 on one line that refuses other characters, which the library's skips, or breaks lines."""

    @classmethod
    def decode(cls, data: bytes) -> bytes:
        return base64.b64decode(data, validate=True)

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return base64.b64encode(value)


@dataclass(frozen=True, slots=True, config=STRICT)
class Replicates:
    """A score over every resample, as levels 0 to 65534 from `low` to `high`, 65535 for an undefined one.

    `levels` are uint16, little-endian; in JSON they are base64, a third of the room of digits. All else is refused.
    """

    low: float
    high: float
    levels: Annotated[bytes, Field(max_length=100_000), EncodedBytes(encoder=_Base64)]

    @classmethod
    def pack(cls, values: NDArray[np.float64]) -> Replicates:
        """Keep `values` to within (high - low) / 131068; what is not finite is undefined."""
        known = np.isfinite(values)
        low, high = (float(values[known].min()), float(values[known].max())) if known.any() else (0.0, 0.0)
        levels = np.full(len(values), UNDEFINED, "<u2")
        levels[known] = np.rint((values[known] - low) / ((high - low) or 1.0) * (UNDEFINED - 1))
        return cls(low=low, high=high, levels=base64.b64encode(levels.tobytes()))

    @property
    def count(self) -> int:
        """The number of resamples."""
        return len(self.levels) // 2

    @model_validator(mode="after")
    def _check(self) -> Replicates:
        if not 0 <= self.high - self.low < float("inf"):
            raise ValueError("low must not be above high, nor infinitely far below")
        if len(self.levels) % 2:
            raise ValueError("levels must be 16-bit numbers")
        return self


def unpacked(packed: Sequence[Replicates]) -> NDArray[np.float64]:
    """The values of several scores over the same number of resamples, (k, n), NaN where undefined.

    All at once, since boards ask for hundreds of thousands.
    """
    levels = np.frombuffer(b"".join([one.levels for one in packed]), "<u2").reshape(len(packed), -1)
    low, high = np.array([(one.low, one.high) for one in packed]).T[..., None]
    found: NDArray[np.float64] = low + levels * ((high - low) / (UNDEFINED - 1))
    found[levels == UNDEFINED] = np.nan
    return found


def intervals(rows: NDArray[Any]) -> list[tuple[float, float]]:
    """The interval of every row (k, n) of replicates, as `np.quantile` has it, which takes five times as long.

    NaN counts as the largest number.
    """
    places, (after_low, after_high) = _ends(rows.shape[1])
    found = np.sort(rows, axis=1)[:, places].tolist()  # faster than a partition at several places
    return [
        (_between(low, next_low, after_low), _between(high, next_high, after_high))
        for low, next_low, high, next_high in found
    ]


def _between(one: float, other: float, share: float) -> float:
    """Some share of the way from one number to another, to the digit as numpy has it."""
    return one + share * (other - one) if share < 0.5 else other - (1 - share) * (other - one)


@cache
def _ends(count: int) -> tuple[list[int], list[float]]:
    """Between which two of `count` numbers in order each end of an interval lies, and how far after the first."""
    tail = (1 - LEVEL) / 2
    ends = [share * (count - 1) for share in (tail, 1 - tail)]
    return [place for end in ends for place in (math.floor(end), math.ceil(end))], [end % 1 for end in ends]

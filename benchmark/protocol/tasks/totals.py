"""Scores out of summed statistics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics import Metric
from .base import Scores


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
    """Numerator over denominator, NaN where the denominator is not positive."""
    ratio = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=ratio, where=np.asarray(denominator) > 0)
    return ratio


def named(metrics: tuple[Metric, ...], values: Iterable[NDArray[np.float64]]) -> Scores:
    """The values by the names of their metrics, which are in the same order."""
    return {metric.name: value for metric, value in zip(metrics, values, strict=True)}


def means(total: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Each sum over the number of valid pixels, which is the first statistic."""
    return [ratio(total[..., i], total[..., 0]) for i in range(1, total.shape[-1])]

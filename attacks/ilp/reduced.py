"""A batch's integer program after an exact reduction to few variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from .maximise import Integers


@dataclass(frozen=True)
class Reduced:
    """Maximise <values, s> over integers low <= s <= high under `limits`, as `maximise` takes them.

    `asked` images have anything to gain; the others do not appear. `steps` makes the batch's int8 steps (B, d) of s.
    """

    asked: int
    values: Integers
    low: Integers
    high: Integers
    limits: Sequence[tuple[Integers, int]]
    steps: Callable[[Integers], Tensor]

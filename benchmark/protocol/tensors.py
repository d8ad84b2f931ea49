"""Tensors by what they are: shapes that signatures speak of.

The tests check them, for every registered task and balancing too (tests/helpers/shapes.py); elsewhere they are words,
and jaxtyping, which spells them, need not be there.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING or find_spec("jaxtyping"):
    from jaxtyping import Bool, Float, Float64, Shaped

    Images = Float[Tensor, "batch channels height width"]
    PerSample = Float[Tensor, " batch"]
    Fields = Float[Tensor, "rows batch channels height width"]
    Prediction = Float[Tensor, "batch *prediction"]
    Truth = Shaped[Tensor, "*truth"]  # whose batch axis a task checks itself, for the user's sake
    Valid = Bool[Tensor, "batch *valid"]
    Statistics = Float64[Tensor, "batch sums"]
else:
    Images = PerSample = Fields = Prediction = Truth = Valid = Statistics = Tensor

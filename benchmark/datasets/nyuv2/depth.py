"""Depth as NYUv2's formats have it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...protocol.errors import BadInputError
from ..disk.files import Pixels, numbers

FURTHEST = 20.0
"""Metres that no depth of NYUv2 reaches: its camera saw 10."""


def read_metres(path: Path) -> Pixels:
    """What `metres` makes of an npy file."""
    return metres(path, numbers(path))


def metres(path: Path, depth: NDArray[np.float32]) -> Pixels:
    """Depth (H, W) in metres, 0 where it is not valid: not finite, or not above 3e-5.

    Raises BadInputError, naming the file, for depth that is in no metres.
    """
    valid = np.isfinite(depth) & (depth > 3e-5)
    found = np.where(valid, depth, np.float32(0))
    if found.max() > FURTHEST:
        raise BadInputError(
            f"{path} holds depth up to {found.max():g}; indoors no metres reach {FURTHEST:g}: are they millimetres?"
        )
    return found

"""Texture edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .dense_regression import DenseRegression


@dataclass(frozen=True)
class EdgeTexture(DenseRegression):
    """Strength of texture edges, (B, 1, H, W) in [-1, 1], NaN where invalid; mean absolute error."""

    kind: ClassVar[str] = "edge_texture"

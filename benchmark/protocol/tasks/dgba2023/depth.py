"""Depth, judged as in the study's public code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..depth import Depth


@dataclass(frozen=True)
class Depth2023(Depth):
    """`Depth` whose deltas count max(p / t, t / p) <= 1.25^k, which a negative prediction always keeps.

    An attack that turns depth negative raises them: compare no attacks by it.
    """

    kind: ClassVar[str] = "dgba2023_depth"

    @staticmethod
    def _within(p: Tensor, t: Tensor) -> list[Tensor]:
        ratio = torch.maximum(p / t, t / p)
        return [ratio <= 1.25**k for k in (1, 2, 3)]

"""Depth, judged as in the study's public code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...per_sample import nan_if_broken, sum_of
from ..checks import check_shapes
from ..depth import Depth


@dataclass(frozen=True)
class Depth2023(Depth):
    """`Depth` whose deltas count max(p / t, t / p) <= 1.25^k, which a negative prediction always keeps.

    An attack that turns depth negative raises them: compare no attacks by it.
    """

    kind: ClassVar[str] = "dgba2023_depth"

    def statistics(self, prediction: Tensor, truth: Tensor) -> Tensor:
        check_shapes(self, prediction, truth)
        valid = self.valid(truth)
        p, t = torch.where(valid, prediction, 1).double(), torch.where(valid, truth, 1).double()
        error, ratio = (p - t).abs(), torch.maximum(p / t, t / p)
        within = [valid & (ratio <= 1.25**k) for k in (1, 2, 3)]
        return nan_if_broken(torch.stack([sum_of(v.double()) for v in (valid, error, error / t, *within)], dim=1), p)

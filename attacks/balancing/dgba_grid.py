"""DGBA whose images are 8-bit images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...benchmark.protocol.threat import ThreatModel
from ..ilp import SeparablePrograms, solve
from .base import Iterate
from .dgba import Dgba

# Levels are float32 numbers, and two of them 4/255 apart may miss that by this much.
ROUNDING = 1e-7


@dataclass(frozen=True)
class DgbaGrid(Dgba):
    """DGBA whose images y come back as they are from an 8-bit file: 255 y is whole.

    Iterates as `dgba` does (arXiv 2305.12066). At the last iterate x an integer program gives every value one of the
    two levels next to x that the budget allows, so that the relative loss change sum_t <g_t, y - x> / L_t is largest:
    y = (n + r) / 255 with n the nearest level allowed and r in {0, 1}, {-1, 0} or {0}, solved by `solver`. Without a
    gradient there a value goes to the nearest level. In L2 only the level towards the clean value is allowed, and only
    if it is no further from it than x, so that no image leaves the ball; nothing is left to choose, and no program is
    counted. This costs half a level per value on average.
    A clean value that is no level itself stays where no level is allowed; clean images of 8 bits always end in 8 bits.
    The backward passes of dgba, and one more with its forward pass at the end.
    """

    version: ClassVar[int] = 1

    def finish(self, at: Iterate, clean: Tensor) -> Tensor:
        x, threat = at.x.detach().contiguous(), at.threat
        grid = (torch.arange(256, dtype=x.dtype) / 255).to(x.device)
        below, above = torch.bucketize(x, grid, right=True) - 1, torch.bucketize(x, grid)
        reach = _reach(x, clean, threat)
        down, up = ((grid[level].double() - clean.double()).abs() <= reach for level in (below, above))
        nearest = torch.where(down & (~up | (x - grid[below] <= grid[above] - x)), below, above)
        free = down & up & (below != above)
        if threat.integer_steps:
            falls, rises = ((free & (nearest == end)).flatten(1).to(torch.int8) for end in (above, below))
            coefficients = self.fields(at)[0].flatten(1)
            nearest += solve(SeparablePrograms(coefficients, lower=-falls, upper=rises), self.solver).view_as(nearest)
        return torch.where(down | up, grid[nearest], clean)


def _reach(x: Tensor, clean: Tensor, threat: ThreatModel) -> Tensor:
    """How far from the clean value a level may be, (B, C, H, W)."""
    if threat.integer_steps:
        return torch.full_like(clean, threat.eps + min(threat.eps, ROUNDING), dtype=torch.float64)
    return (x.double() - clean.double()).abs()

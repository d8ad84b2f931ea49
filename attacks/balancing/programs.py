"""From fields to step programs, and from their solutions to a direction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...benchmark.protocol.threat import ThreatModel
from ..ilp import CoupledProgram, solve_coupled
from ..ilp.coupled_program import Floats
from ..ilp.dual import BALL, solve_dual


def rows_of(fields: Tensor) -> Floats:
    """Fields (R, B, C, H, W) as float64 rows (B, R, C * H * W)."""
    rows: Floats = fields.transpose(0, 1).flatten(2).double().cpu().numpy()
    return rows


def solution(programs: Sequence[CoupledProgram], like: Tensor, threat: ThreatModel) -> Tensor:
    """The direction (B, C, H, W) that solves every sample's program.

    In L-infinity integers by CP-SAT; in L2 the program over the ball, by its dual: the steepest ascent of the rows' sum
    under the best multipliers.
    """
    if threat.integer_steps:
        return solve_coupled(programs).to(like).view_as(like)
    best = [program.combined(solve_dual(program, BALL).multipliers) for program in programs]
    return threat.ascend(torch.from_numpy(np.stack(best)).view_as(like)).to(like)

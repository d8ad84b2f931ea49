"""DGBA that changes few pixels of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError, unknown
from ...benchmark.protocol.threat import ThreatModel
from ..ilp import SOLVERS, SeparablePrograms, closed_form, solve
from .base import Iterate
from .dgba import Dgba


@dataclass(frozen=True)
class DgbaSparse:
    """DGBA (arXiv 2305.12066) that changes at most `pixels` pixels of an image, in all their channels.

    With G = sum_t g_t / (T L_t) at the first iterate, every sample's pixels are chosen once: those that the r in
    {-1, 0, 1}^d with the largest <G, r> moves if it may move so few, an integer program with a binary per pixel, solved
    by `solver`. They are the pixels with the largest sum of |G| over their channels. In L2 a step of unit length on a
    set S is best at G_S / |G_S| and gains |G_S|, so that the set of the largest sums of G^2 is optimal, and no program
    is counted. From then on the fields are 0 outside of the set, and the steps are DGBA's. At the end all other pixels
    are the clean image's again, whatever a random start made of them; pixels without gradient are never chosen. One
    backward pass per step, and a forward pass at the end. Raises BadInputError unless pixels is a whole number of at
    least 1, and for an unknown solver. More pixels than the image has means all of them.
    """

    version: ClassVar[int] = 1
    examples: ClassVar[tuple[str, ...]] = ("512",)

    pixels: int
    solver: Literal["cp-sat", "closed-form"] = "cp-sat"

    def __post_init__(self) -> None:
        if type(self.pixels) is not int or self.pixels < 1:
            raise BadInputError(f"pixels of dgba-sparse must be a whole number of at least 1, not {self.pixels!r}")
        if self.solver not in SOLVERS:
            raise unknown("solver of dgba-sparse", self.solver, SOLVERS)

    @property
    def dense(self) -> Dgba:
        """DGBA without a limit, for the fields and the steps."""
        return Dgba(solver=self.solver)

    def fields(self, at: Iterate) -> Tensor:
        fields = self.dense.fields(at)
        if "pixels" not in at.memory:
            at.memory["pixels"] = self._chosen(fields, at.threat)
        return fields * at.memory["pixels"]

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        return self.dense.direction(fields, threat)

    def finish(self, at: Iterate, clean: Tensor) -> Tensor:
        return torch.where(at.memory["pixels"], at.x.detach(), clean)

    def _chosen(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        """Whether a pixel may change, (B, 1, H, W), from fields (1, B, C, H, W)."""
        coefficients = fields[0].flatten(1) if threat.integer_steps else fields[0].flatten(1).double().square()
        programs = SeparablePrograms(coefficients, max_pixels=self.pixels, channels=fields.shape[2])
        steps = solve(programs, self.solver) if threat.integer_steps else closed_form(programs)
        return steps.view_as(fields[0]).any(dim=1, keepdim=True)

"""Step programs without coupled rows in OR-Tools CP-SAT: a batch at a time, and every image for itself if need be."""

from __future__ import annotations

import torch
from torch import Tensor

from ...benchmark.protocol.tally import tally
from .closed_form import closed_form
from .levels import by_level
from .maximise import maximise
from .separable import SeparablePrograms
from .sparse import by_pixel


def cpsat(programs: SeparablePrograms) -> Tensor:
    """The optimum over integers of every image's program, int8 (B, d), by one CP-SAT model for the batch.

    No term and no constraint joins two images, so each image's part of an optimum is its own. An answer that is not
    proven optimal within the work limit says nothing about single images: then each has a model and a limit of its own.
    The states `optimal`, `feasible`, `zero` (nothing to gain) and `fallback` (no solution within the limit: the closed
    form is used) are tallied per image, with the largest relative gap.
    """
    reduced = (by_level if programs.max_pixels is None else by_pixel)(programs)
    found = maximise(reduced.values, reduced.low, reduced.high, reduced.limits) if reduced.asked else None
    proven = found is not None and found.state == "optimal"
    if reduced.asked and not proven and len(programs) > 1:
        return torch.cat([cpsat(programs.image(i)) for i in range(len(programs))])
    if reduced.asked < len(programs):
        tally().count("zero", len(programs) - reduced.asked)
    if not reduced.asked:
        return torch.zeros_like(programs.coefficients, dtype=torch.int8)
    if found is None:
        tally().count("fallback", reduced.asked)
        return closed_form(programs)
    tally().count(found.state, reduced.asked)
    tally().peak("gap", found.gap)
    return reduced.steps(found.numbers)

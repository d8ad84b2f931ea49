"""One integer per level of the coefficients: the reduction of programs whose coordinates contribute apart."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...benchmark.protocol.per_sample import peak_of
from .closed_form import best_apart
from .maximise import Integers
from .reduced import Reduced
from .separable import SeparablePrograms

# Of a quantised coefficient, sign included.
BITS = 8
TOP = 2 ** (BITS - 1) - 1
# The least and the most of sign(c_i) r_i, which counts a coordinate's step towards its own coefficient's side.
RANGES = [(0, 0), (0, 1), (-1, 0), (-1, 1)]


def by_level(programs: SeparablePrograms) -> Reduced:
    """One variable for all coordinates of the batch with the same quantised coefficient and the same range.

    Each image's c are scaled to whole levels k_i, the largest to 2^(BITS - 1) - 1, and the objective is a sum over
    images and coordinates. So the n coordinates with |k_i| = k > 0 and a <= sign(c_i) r_i <= b become one integer in
    [n a, n b], the sum of these sign(c_i) r_i: nothing else enters the objective. That makes at most 2^(BITS - 1) - 1
    variables however large the batch and its images are, thrice as many with bounds. Coordinates of level 0 are free in
    the integer program, and follow the sign of c.
    """
    magnitudes = programs.coefficients.abs()
    groups = levels_of(magnitudes).add_(_ranges(programs), alpha=TOP + 1).flatten()
    sizes = torch.bincount(groups, minlength=len(RANGES) * (TOP + 1)).cpu().numpy()
    ranges, levels = np.divmod(np.arange(len(sizes)), TOP + 1)
    low, high = sizes * np.array(RANGES)[ranges].T
    ours = np.flatnonzero((levels > 0) & (low < high))

    def steps(numbers: Integers) -> Tensor:
        found = best_apart(programs)
        for group, number, most in zip(ours, numbers, high[ours], strict=True):
            if number < most:  # not all of it moves; the first ones do
                members = groups.eq(int(group)).nonzero().flatten()
                moves = programs.coefficients.flatten()[members].sign().to(found.dtype) * int(np.sign(number))
                moves[abs(number) :] = 0
                found.view(-1)[members] = moves
        return found

    return Reduced(int(magnitudes.amax(dim=1).count_nonzero()), levels[ours], low[ours], high[ours], (), steps)


def levels_of(magnitudes: Tensor) -> Tensor:
    """Magnitudes (B, n) as integers in 0 to TOP, int64, each image's largest at TOP; 0 for an image without any."""
    peaks = peak_of(magnitudes).unsqueeze(1)
    # Divided first: a product with the largest of tiny or huge ones would leave the type's range.
    return (magnitudes / torch.where(peaks > 0, peaks, 1)).mul_(TOP).round_().long()


def _ranges(programs: SeparablePrograms) -> Tensor | int:
    """The place of every coordinate's range in RANGES, (B, d) if they differ."""
    if not programs.bounded:
        return RANGES.index((-1, 1))
    negative = programs.coefficients < 0
    falls, rises = (torch.as_tensor(bound, device=negative.device) != 0 for bound in (programs.lower, programs.upper))
    least, most = (rises & negative) | (falls & ~negative), (falls & negative) | (rises & ~negative)
    return 2 * least.long() + most.long()

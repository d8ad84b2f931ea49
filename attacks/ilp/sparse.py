"""One integer per image and level of the pixels' gains: the reduction of programs that move few pixels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .closed_form import best_apart, by_gain, pixel_gains
from .levels import TOP, levels_of
from .maximise import Integers
from .reduced import Reduced
from .separable import SeparablePrograms


def by_pixel(programs: SeparablePrograms) -> Reduced:
    """One variable for the pixels of an image with the same quantised gain, of which `max_pixels` = m may move.

    Whatever pixels move, each of their coordinates is best at its own bound, so that pixel p gains w_p >= 0, the sum of
    its |c_i|, or nothing: of one binary per pixel at most m are 1. Each image's w are scaled to levels as in
    `by_level`; the n pixels of an image with equal level k > 0 become one integer in [0, n], how many of them move:
    max sum_k k s_k with sum_k s_k <= m. Of each level those with the largest unquantised w move; pixels of level 0 take
    what is left of m.
    """
    best = best_apart(programs)
    gains = pixel_gains(programs, best)
    count, size = gains.shape
    order = by_gain(gains)
    levels = levels_of(gains).gather(1, order)
    images = torch.arange(count, device=levels.device).unsqueeze(1)
    bins = torch.bincount((images * (TOP + 1) + levels).flatten(), minlength=count * (TOP + 1))
    sizes = bins.view(count, TOP + 1).cpu().numpy()
    owners, values = np.nonzero(sizes[:, 1:])
    values += 1
    most = size if programs.max_pixels is None else min(size, programs.max_pixels)

    def steps(numbers: Integers) -> Tensor:
        moving = np.zeros_like(sizes)
        moving[owners, values] = numbers
        moving[:, 0] = np.minimum(sizes[:, 0], most - moving.sum(axis=1))
        # Levels fall along `order`, so the pixels of a level come after all of the higher ones.
        before = sizes[:, ::-1].cumsum(axis=1)[:, ::-1] - sizes
        last = torch.from_numpy(before + moving).to(levels.device).gather(1, levels)
        moves = torch.empty_like(best[:, :size])
        moves.scatter_(1, order, (torch.arange(size, device=levels.device) < last).to(moves.dtype))
        return (programs.by_pixel(best) * moves.unsqueeze(1)).flatten(1)

    limits = [(np.flatnonzero(owners == image), most) for image in np.unique(owners)]
    return Reduced(len(limits), values, np.zeros_like(values), sizes[owners, values], limits, steps)

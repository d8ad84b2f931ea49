"""Step programs that move few pixels, in OR-Tools CP-SAT."""

from __future__ import annotations

import numpy as np

from ...benchmark.protocol.tally import tally
from .closed_form import best_apart, closed_form, pixel_gains
from .cpsat import maximise, quantised, spread
from .program import Step, StepProgram


def sparse(program: StepProgram) -> Step:
    """The optimum of a program with `max_pixels` = k, by CP-SAT.

    Whatever pixels move, each of their coordinates is best at its own bound, so that pixel p gains w_p >= 0, the sum of
    its |c_i|, or nothing: of one binary per pixel at most k are 1. The w are scaled to integers v as in `cpsat`; the n
    pixels of equal v > 0 become one integer variable on [0, n], how many of them move: max sum_v v s_v with
    sum_v s_v <= k. Of each group those with the largest unquantised w move; pixels with v = 0 take what is left of k.
    The same states are tallied as in `cpsat`.
    """
    step = best_apart(program)
    gains = pixel_gains(program, step)
    if not gains.any():
        tally().count("zero")
        return np.zeros_like(step)
    most = len(gains) if program.max_pixels is None else program.max_pixels
    levels = quantised(gains)
    sizes = np.bincount(levels)
    values = np.flatnonzero(sizes[1:]) + 1
    found = maximise(values, np.zeros_like(values), sizes[values], most)
    if found is None:
        return closed_form(program)
    numbers = np.zeros_like(sizes)
    numbers[0], numbers[values] = min(sizes[0], most - found.sum()), found
    order = np.argsort(-gains, kind="stable")
    moves = np.zeros(len(gains), dtype=np.int8)
    moves[order] = spread(numbers, levels[order])
    return (program.by_pixel(step) * moves).ravel()

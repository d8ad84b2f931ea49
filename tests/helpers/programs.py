"""Step programs for tests: random batches of them, and every step there is."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

from mtrbench.attacks.ilp import SeparablePrograms

Programs = st.SearchStrategy[SeparablePrograms]

# Gradients are heavy-tailed, repeat values, and hold exact zeros: all of it must come up.
COEFFICIENTS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 2.0**-100, -(2.0**-100), 2.0**-149]),
    st.floats(-(2.0**10), 2.0**10, width=32),
    st.floats(-(2.0**-20), 2.0**-20, width=32),
)
SCALES = st.sampled_from([0.0, 1e-35, 1e-6, 1.0, 1e6, 1e30])


def free(width: st.SearchStrategy[int], images: st.SearchStrategy[int]) -> Programs:
    """Programs without bounds, in both precisions; images of one batch differ by many orders of magnitude."""

    def made(shape: tuple[int, int]) -> Programs:
        values = arrays(np.float32, shape, elements=COEFFICIENTS)
        scales = arrays(np.float32, (shape[0], 1), elements=SCALES.map(np.float32))
        types = st.sampled_from([torch.float32, torch.float64])
        return st.builds(
            lambda c, s, dtype: SeparablePrograms(torch.from_numpy(c * s).to(dtype)), values, scales, types
        )

    return st.tuples(images, width).flatmap(made)


def bounded(width: st.SearchStrategy[int], images: st.SearchStrategy[int]) -> Programs:
    """Programs each of whose coordinates may move both ways, one way, or not at all."""

    def made(programs: SeparablePrograms) -> Programs:
        sides = arrays(np.int8, tuple(programs.coefficients.shape), elements=st.integers(0, 1)).map(torch.from_numpy)
        return st.builds(lambda low, high: replace(programs, lower=-low, upper=high), sides, sides)

    return free(width, images).flatmap(made)


def few(pixels: st.SearchStrategy[int], images: st.SearchStrategy[int]) -> Programs:
    """Programs over pixels of one to three channels of which some number may move, bounded or not."""

    def made(channels: int) -> Programs:
        width = pixels.map(lambda count: channels * count)
        return st.builds(
            lambda programs, most: replace(programs, max_pixels=most, channels=channels),
            st.one_of(free(width, images), bounded(width, images)),
            st.integers(1, 60),
        )

    return st.integers(1, 3).flatmap(made)


def every_kind(size: int, images: int) -> Programs:
    """Programs of all kinds, with up to so many coordinates, or pixels, and images."""
    shape = st.integers(1, size), st.integers(1, images)
    return st.one_of(free(*shape), bounded(*shape), few(*shape))


def every_step(size: int) -> Tensor:
    """{-1, 0, 1}^size as int8 rows."""
    return torch.tensor(list(product((-1, 0, 1), repeat=size)), dtype=torch.int8)


def values(programs: SeparablePrograms, steps: Tensor) -> Tensor:
    """The objectives at `steps`, float64 (B,)."""
    return (programs.coefficients.double() * steps).sum(dim=1)


def allowed(programs: SeparablePrograms, steps: Tensor) -> Tensor:
    """Whether each image's step is within the bounds and moves few enough pixels, (B,)."""
    inside = ((programs.lower <= steps) & (steps <= programs.upper)).all(dim=1)
    if programs.max_pixels is None:
        return inside
    return inside & (programs.by_pixel(steps).any(dim=1).sum(dim=1) <= programs.max_pixels)


def random_programs(*shape: int, seed: int = 0) -> SeparablePrograms:
    """Programs without bounds, with the heavy tails of gradients."""
    return SeparablePrograms(torch.from_numpy(np.random.default_rng(seed).standard_t(2, shape)).float())

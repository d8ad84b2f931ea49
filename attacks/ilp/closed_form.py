"""The optimum of programs without coupled rows, read off their coefficients."""

from __future__ import annotations

import torch
from torch import Tensor

from .separable import SeparablePrograms


def closed_form(programs: SeparablePrograms) -> Tensor:
    """The best step at every coordinate, kept at the `max_pixels` pixels that gain most by it; ties to the first.

    int8 (B, d), as all steps.
    """
    steps = best_apart(programs)
    if programs.max_pixels is None:
        return steps
    first = by_gain(pixel_gains(programs, steps))[:, : programs.max_pixels]
    chosen = torch.zeros_like(programs.by_pixel(steps)[:, 0]).scatter_(1, first, 1)
    return (programs.by_pixel(steps) * chosen.unsqueeze(1)).flatten(1)


def best_apart(programs: SeparablePrograms) -> Tensor:
    """Every coordinate at the bound on its coefficient's side, and at 0 without one: sign(c) in -1 to 1."""
    signs = programs.coefficients.sign().to(torch.int8)
    return signs.clamp(min=programs.lower).clamp(max=programs.upper)


def pixel_gains(programs: SeparablePrograms, steps: Tensor) -> Tensor:
    """What each pixel's coordinates of `steps` add to the objective, float64 (B, d / channels)."""
    channels = programs.by_pixel(programs.coefficients.double() * steps).unbind(dim=1)
    return sum(channels[1:], start=channels[0])


def by_gain(gains: Tensor) -> Tensor:
    """The places of each image's pixels from the largest gain to the smallest, equal ones in their order."""
    return gains.neg().argsort(dim=1, stable=True)

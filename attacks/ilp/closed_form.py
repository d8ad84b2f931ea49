"""The optimum of a program without coupled rows, read off its coefficients."""

from __future__ import annotations

import numpy as np

from .program import Floats, Step, StepProgram


def closed_form(program: StepProgram) -> Step:
    """The best step at every coordinate, kept at the `max_pixels` pixels that gain most by it; ties to the first."""
    step = best_apart(program)
    if program.max_pixels is None:
        return step
    first = np.argsort(-pixel_gains(program, step), kind="stable")[: program.max_pixels]
    kept = np.zeros_like(program.by_pixel(step))
    kept[:, first] = program.by_pixel(step)[:, first]
    return kept.ravel()


def best_apart(program: StepProgram) -> Step:
    """Every coordinate at the bound on its coefficient's side, and at 0 without one: sign(sum_t rows_t) in -1 to 1."""
    signs = np.sign(program.coefficients)
    return np.where(signs > 0, program.upper, np.where(signs < 0, program.lower, 0)).astype(np.int8)


def pixel_gains(program: StepProgram, step: Step) -> Floats:
    """What each pixel's coordinates of `step` add to the objective, (d / channels,)."""
    gains: Floats = program.by_pixel(program.coefficients * step).sum(axis=0)
    return gains

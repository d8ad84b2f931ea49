"""Attacks that make of a sample what depends on more than the sample."""

from __future__ import annotations

import random
import time

import numpy as np
import torch

from .honest import Honest, after, caught


@caught("another image of sample")
class RemembersLast(Honest):
    """Gives the change of the sample before."""

    last = None

    def __call__(self, model, batch, threat, noise):
        x = super().__call__(model, batch, threat, noise)
        before, self.last = self.last, x - batch.x
        return x if before is None or before.shape != x.shape else threat.project(batch.x, batch.x + before)


@caught("another image of sample")
class WearsOut(Honest):
    """Gives half of its change at every call."""

    share = 1.0

    def __call__(self, model, batch, threat, noise):
        x = super().__call__(model, batch, threat, noise)
        self.share /= 2
        return batch.x + 2 * self.share * (x - batch.x)


@caught("another image of sample")
class Mixes(Honest):
    """Gives all samples one change."""

    def __call__(self, model, batch, threat, noise):
        gradient = self.gradient(model, batch).mean(dim=0, keepdim=True).expand_as(batch.x)
        return threat.project(batch.x, batch.x + threat.eps * threat.ascend(gradient))


@after("another image of sample")
def first_alone(model, batch, threat, x):
    x[1:] = batch.x[1:]


@after("another image of sample")
def shuffles(model, batch, threat, x):
    return threat.project(batch.x, batch.x + (x - batch.x).flip(0))


@caught("another image of sample")
class DrawsFromTorch(Honest):
    def __call__(self, model, batch, threat, noise):
        return threat.project(batch.x, batch.x + threat.eps * torch.randn(batch.x.shape).sign())


@caught("another image of sample")
class DrawsFromNumpy(Honest):
    def __call__(self, model, batch, threat, noise):
        draws = torch.from_numpy(np.random.randn(*batch.x.shape)).float()  # noqa: NPY002
        return threat.project(batch.x, batch.x + threat.eps * draws.sign())


@caught("another image of sample")
class DrawsFromPython(Honest):
    def __call__(self, model, batch, threat, noise):
        signs = torch.tensor(random.choices([-1.0, 1.0], k=batch.x.numel())).reshape(batch.x.shape)  # noqa: S311
        return threat.project(batch.x, batch.x + threat.eps * signs)


@caught("another image of sample")
class DrawsByTheClock(Honest):
    def __call__(self, model, batch, threat, noise):
        generator = torch.Generator().manual_seed(time.perf_counter_ns())
        signs = torch.randn(batch.x.shape, generator=generator).sign()
        return threat.project(batch.x, batch.x + threat.eps * signs)


@caught("another image of sample")
class TellsTheKit(Honest):
    """Behaves as long as there are as few samples as the kit has."""

    def __call__(self, model, batch, threat, noise):
        x = super().__call__(model, batch, threat, noise)
        return x if len(x) < 16 else threat.project(batch.x, batch.x + (x - batch.x).roll(1, 0))

"""Attacks that move no number but their own: the kit alone tells them."""

from __future__ import annotations

import torch

from .honest import Honest, after


class SlightlyWearsOut(Honest):
    share = 1.0

    def __call__(self, model, batch, threat, noise):
        x = super().__call__(model, batch, threat, noise)
        self.share *= 0.999
        return batch.x + self.share * (x - batch.x)


class SlightlyRandom(Honest):
    def __call__(self, model, batch, threat, noise):
        x = super().__call__(model, batch, threat, noise)
        return batch.x + (1 - 1e-3 * torch.rand(()).item()) * (x - batch.x)


@after()
def reseeds(model, batch, threat, x):
    torch.manual_seed(0)


@after()
def freezes(model, batch, threat, x):
    model.requires_grad_(False)


@after()
def leaves_gradients(model, batch, threat, x):
    parameter = next(model.parameters())
    parameter.grad = torch.zeros_like(parameter)


@after()
def half_hearted(model, batch, threat, x):
    return batch.x + 0.5 * (x - batch.x)


class Backwards(Honest):
    def __call__(self, model, batch, threat, noise):
        x = super().__call__(model, batch, threat, noise)
        return threat.project(batch.x, 2 * batch.x - x)


SUBTLE = (SlightlyWearsOut, SlightlyRandom, reseeds, freezes, leaves_gradients, half_hearted, Backwards)

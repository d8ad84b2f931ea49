"""What every planted attack would be without its fault, and how it is caught."""

from __future__ import annotations

import torch

CAUGHT = {}
"""By the attacks that are caught where they run, what they are told by."""


class Honest:
    """One step along the sum of the losses' gradients."""

    version = 1

    def __call__(self, model, batch, threat, noise):
        return self.step(model, batch, threat)

    @staticmethod
    def gradient(model, batch):
        x = batch.x.clone().requires_grad_()
        return torch.autograd.grad(sum(loss.sum() for loss in model.losses(batch.at(x)).values()), x)[0]

    @classmethod
    def step(cls, model, batch, threat):
        return threat.project(batch.x, batch.x + threat.eps * threat.ascend(cls.gradient(model, batch)))


def caught(words):
    """Of an attack that is caught where it runs, by these words."""

    def mark(attack):
        CAUGHT[attack] = words
        return attack

    return mark


def after(words=None):
    """An honest attack that does harm once it is done, and is caught by these words, where it runs if there are any."""

    def planted(harm):
        class Harmful(Honest):
            def __call__(self, model, batch, threat, noise):
                x = super().__call__(model, batch, threat, noise)
                found = harm(model, batch, threat, x)
                return x if found is None else found

        Harmful.__name__ = Harmful.__qualname__ = harm.__name__
        Harmful.__module__ = harm.__module__
        return Harmful if words is None else caught(words)(Harmful)

    return planted

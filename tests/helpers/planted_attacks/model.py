"""Attacks that leave the model with something else than it was."""

from __future__ import annotations

import torch

from .honest import after


@after("hooks")
def leaves_hook(model, batch, threat, x):
    model.register_forward_hook(lambda m, i, out: {k: v * 0 for k, v in out.items()})


@after("hooks")
def leaves_backward_hook(model, batch, threat, x):
    next(model.net.children()).register_full_backward_hook(lambda m, i, o: None)


@after("changed the model's weights")
def changes_weights(model, batch, threat, x):
    with torch.no_grad():
        next(model.parameters()).mul_(0.5)


@after("changed the model's weights")
def changes_weights_unseen(model, batch, threat, x):
    next(model.parameters()).detach().numpy()[:] *= 0.5


@after("changed the model's weights, buffers")
def changes_buffers(model, batch, threat, x):
    next(model.buffers()).add_(1)


@after("mode")
def trains(model, batch, threat, x):
    model.train()


@after("code")
def patches_its_forward(model, batch, threat, x):
    model.net.forward = lambda images: {}


@after("code")
def patches_the_class(model, batch, threat, x):
    type(model.net).forward = lambda self, images: {}

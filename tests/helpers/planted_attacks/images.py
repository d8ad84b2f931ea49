"""Attacks whose images are not what they may be."""

from __future__ import annotations

import torch
from torch import Tensor

from .honest import after


@after("exceeds the budget")
def too_far(model, batch, threat, x):
    return (batch.x + 1.01 * (x - batch.x)).clamp(0, 1)


@after("leaves [0, 1]")
def out_of_range(model, batch, threat, x):
    x[0, 0, 0, 0] = 1.5


@after("is not finite")
def not_finite(model, batch, threat, x):
    x[0, 0, 0, 0] = torch.nan


@after("the attack returned")
def another_shape(model, batch, threat, x):
    return x[:, :, 1:]


@after("torch.float64")
def another_type(model, batch, threat, x):
    return x.double()


@after("the attack returned ndarray")
def numpy(model, batch, threat, x):
    return x.numpy()


@after("the attack returned")
def more_images(model, batch, threat, x):
    return torch.cat([x, x])


class Flatterer(Tensor):
    """Answers every comparison as it likes best."""

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), named=None):
        return torch.tensor(True)


@after("exceeds the budget")
def lying_tensor(model, batch, threat, x):
    return torch.zeros_like(x).as_subclass(Flatterer)


@after("exceeds the budget")
def moves_the_goal(model, batch, threat, x):
    object.__setattr__(threat, "eps", 1.0)
    return 1 - batch.x


@after("exceeds the budget")
def moves_the_images(model, batch, threat, x):
    batch.x.copy_(1 - batch.x)
    return batch.x

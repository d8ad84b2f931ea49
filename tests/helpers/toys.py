"""Models that tests alone need."""

from __future__ import annotations

from torch import nn

from mtrbench.attacks.conformance.toys import linear_model, seeded, smooth
from mtrbench.benchmark.protocol.types import MultiTaskModel


def curved_model() -> MultiTaskModel:
    """A small smooth network on the linear model's tasks: no closed form, but no linear model's symmetry either."""
    model = linear_model()
    with seeded():
        body = smooth(3)
    return MultiTaskModel(nn.Sequential(body, model.net), model.tasks).eval()

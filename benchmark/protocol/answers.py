"""What a model answers, whatever random numbers it draws."""

from __future__ import annotations

import torch
from torch import Tensor

from .types import MultiTaskModel


@torch.no_grad()
def answers_of(model: MultiTaskModel, x: Tensor, seed: int = 0) -> dict[str, Tensor]:
    """The model's answers to the images under a seed of their own; the global one stays as it was.

    So a network that draws numbers is told by checks that are about that alone.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return model(x)  # type: ignore[no-any-return]

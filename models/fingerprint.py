"""What a model answers to fixed images, in a few numbers."""

from __future__ import annotations

import math

import torch

from ..benchmark.protocol.tasks.shapes import is_dense
from ..benchmark.protocol.types import MultiTaskModel


@torch.no_grad()
def fingerprint(model: MultiTaskModel, size: tuple[int, int]) -> dict[str, list[float]]:
    """Mean and spread of every task's prediction on two fixed images of smooth waves: {task: [m1, s1, m2, s2]}.

    The images are of 32 x 32 if all predictions are maps, else of `size`, which the network is made for.
    """
    maps = all(is_dense(task.prediction_shape) for task in model.tasks.values())
    height, width = (32, 32) if maps else size
    axes = torch.arange(height) / height, torch.arange(width) / width
    rows, columns = torch.meshgrid(*axes, indexing="ij")
    waves = [
        torch.sin(2 * math.pi * (a * rows + b * columns)) for a, b in ((1, 0), (0, 2), (3, 1), (2, 2), (1, 4), (5, 0))
    ]
    probes = torch.stack(waves).view(2, 3, height, width) / 2 + 0.5
    return {
        task: [
            round(value.item(), 5)
            for image in answer.double()
            for value in (image.mean(), image.std() if image.numel() > 1 else torch.zeros(()))
        ]
        for task, answer in model(probes).items()
    }

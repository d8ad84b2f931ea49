"""Whether what an attack makes of an image depends on the images beside it."""

from __future__ import annotations

import torch
from torch import Tensor

from .attackers import Attacker
from .protocol.errors import AttackError
from .protocol.per_sample import length_of, sum_of
from .protocol.types import Batch

ALIKE = 0.8
"""Cosine between what an attack adds to an image in a batch and alone, from which on it counts as the same.

Networks round otherwise in batches of other sizes, which turns some signs of tiny gradients: of this repository's
attacks none falls below 0.9.
"""


def check_neighbours(attacker: Attacker, batch: Batch, x: Tensor, title: str) -> None:
    """Attack the last and then the first sample of `batch` alone; raises AttackError if the images are others than `x`.

    In that order, so that what an attack keeps of the sample before it is of another one.
    """
    for row in dict.fromkeys((len(batch.ids) - 1, 0)):
        rows = slice(row, row + 1)
        truth = {name: value[rows] for name, value in batch.truth.items()}
        alone, _ = attacker.perturb(Batch(batch.x[rows], truth, batch.ids[rows]))
        clean = batch.x[rows]
        if (
            not isinstance(alone, Tensor)
            or alone.shape != clean.shape
            or cosine(alone - clean, x[rows] - clean) < ALIKE
        ):
            raise AttackError(
                f"{title}: the attack makes another image of sample {batch.ids[row]} alone than among others; treat "
                "samples apart, keep nothing between calls, and draw numbers from `noise`"
            )


def cosine(first: Tensor, second: Tensor) -> float:
    """Of the angle between two changes of one image; 1 if both are nothing, 0 if one is."""
    first, second = first.double(), second.double()
    lengths = length_of(first) * length_of(second)
    if not bool(lengths):
        return float(torch.equal(first, second))
    return float(sum_of(first * second) / lengths)

"""Whether what an attack makes of an image depends on the images beside it."""

from __future__ import annotations

from torch import Tensor

from .attackers import Attacker
from .protocol.errors import AttackError
from .protocol.per_sample import length_of
from .protocol.types import Batch

FAR = 0.5
"""How far, relative to its length, what an attack adds to an image alone may be from what it adds in a batch.

Networks round otherwise in batches of other sizes, which may turn the signs of tiny gradients: PGD of ten steps on the
zoo's models adds the same to the last bit, and nothing of this repository comes near.
"""


def check_neighbours(attacker: Attacker, batch: Batch, x: Tensor, title: str) -> None:
    """Attack the last and then the first sample of `batch` alone; raises AttackError if the images are others than `x`.

    In that order, so that what an attack keeps of the sample before it is of another one.
    """
    for row in dict.fromkeys((len(batch.ids) - 1, 0)):
        one = batch.take([row])
        alone, _ = attacker.perturb(one)
        if (
            not isinstance(alone, Tensor)
            or alone.shape != one.x.shape
            or distance(alone - one.x, x[[row]] - one.x) > FAR
        ):
            raise AttackError(
                f"{title}: the attack makes another image of sample {batch.ids[row]} alone than among others; treat "
                "samples apart, keep nothing between calls, and draw numbers from `noise`"
            )


def distance(first: Tensor, second: Tensor) -> float:
    """Between two changes of one image, relative to the longer; 0 if both are nothing."""
    first, second = first.double(), second.double()
    longer = max(float(length_of(first)), float(length_of(second)))
    return float(length_of(first - second)) / longer if longer else 0.0

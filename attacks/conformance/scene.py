"""What an attack is tried on, and how: on copies, at a fixed global randomness."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Attack, Batch, MultiTaskModel, SplitAttack

Make = Callable[[], Attack]
"""Gives the attack anew."""


@dataclass(frozen=True)
class Scene:
    """A model, a batch and a budget, and what to call them."""

    title: str
    model: MultiTaskModel
    batch: Batch
    threat: ThreatModel

    def within(self, threat: ThreatModel) -> Scene:
        """The same model and batch under another budget."""
        return replace(self, threat=threat)

    def of(self, indices: Sequence[int]) -> Scene:
        """The samples at `indices`, in that order."""
        return replace(self, batch=self.batch.take(indices))


def perturbed(attack: Attack, scene: Scene, split: Batch | None = None, seed: int = 0) -> Tensor:
    """What the attack makes of the scene's batch; `seed` is that of Python's, numpy's and torch's global randomness.

    A SplitAttack is shown `split` first, or the batch if there is none.
    """
    with global_randomness(seed):
        return answer(attack, copy.deepcopy(scene.model), scene.batch.clone(), scene.threat, split)


def answer(
    attack: Attack, model: MultiTaskModel, batch: Batch, threat: ThreatModel, split: Batch | None = None
) -> Tensor:
    """The attack's images, on the very model and batch that are given."""
    noise = Noise(3)
    if isinstance(attack, SplitAttack):
        attack = attack.fitted(model, [(split or batch).clone()], threat, noise)
    return attack(model, batch, threat, noise)


@contextmanager
def global_randomness(seed: int) -> Iterator[None]:
    """Python's, numpy's and torch's global generators begin at `seed`, and are put back at the end."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.set_rng_state(before[2])


def next_draws() -> dict[str, float]:
    """The next number of each global generator: equal ones mean equal states."""
    return {
        "random": random.random(),  # noqa: S311
        "numpy.random": float(np.random.random()),  # noqa: NPY002
        "torch": torch.rand((), dtype=torch.float64).item(),
    }

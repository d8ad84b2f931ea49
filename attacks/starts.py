"""Attacks that can go on from where another one has got to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from ..benchmark.protocol.noise import Noise
from ..benchmark.protocol.tensors import Images
from ..benchmark.protocol.threat import ThreatModel
from ..benchmark.protocol.types import Attack, Batch, MultiTaskModel
from .losses.ascending import Ascending
from .losses.score import OnSplit


@runtime_checkable
class WithStart(Protocol):
    """An attack that begins anywhere within the budget."""

    def from_start(
        self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise, start: Images
    ) -> Images:
        """What the attack makes of the clean images of `batch`, from the images `start` on."""
        ...


def starting_at(attack: Attack, start: Images) -> Attack:
    """The attack from the images `start` on; one that cannot be started begins anew."""
    if isinstance(attack, Ascending | OnSplit):
        return replace(attack, attack=starting_at(attack.attack, start))
    return _Started(attack.from_start, start) if isinstance(attack, WithStart) else attack


@dataclass(frozen=True, eq=False)
class _Started:
    attack: Callable[[MultiTaskModel, Batch, ThreatModel, Noise, Images], Images]
    start: Images

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Images:
        return self.attack(model, batch, threat, noise, self.start)

"""Splits for attacks that look at all of one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mtrbench import load_attack
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Attack, Batch, MultiTaskModel, SplitAttack


def parts_of(batch: Batch, *sizes: int) -> list[Batch]:
    edges = np.cumsum([0, *sizes])
    return [batch.take(range(*places)) for places in pairwise(edges)]


def fitted(name: str, model: MultiTaskModel, split: list[Batch], threat: ThreatModel) -> Attack:
    attack = load_attack(name)
    assert isinstance(attack, SplitAttack)
    return attack.fitted(model, split, threat, Noise())

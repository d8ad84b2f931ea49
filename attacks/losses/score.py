"""Attacks that ascend the score itself: every task's soft damage, relative to the clean split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.tasks.soft import CleanValues, soft_damage
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Attack, Batch, MultiTaskModel, SplitAttack
from .ascending import Ascending, WithLoss, seen_through
from .registry import SCORE


@dataclass(frozen=True)
class AscendingScore(Ascending):
    """`attack` on a view of the model whose losses are the tasks' soft damage, up to a constant D_t.

    The clean values are those of the split that `fitted` sees, one forward pass per image; without `fitted` before, a
    call takes its own batch for the split.
    """

    losses: str = SCORE
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """There is no table to look this set up in."""

    def fitted(self, model: MultiTaskModel, split: Sequence[Batch], threat: ThreatModel, noise: Noise) -> Attack:
        clean = clean_values(model, split)
        if not isinstance(self.attack, SplitAttack):
            return OnSplit(self.attack, clean)
        return OnSplit(self.attack.fitted(on_score(model, clean), split, threat, noise), clean)

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return self.fitted(model, [batch], threat, noise)(model, batch, threat, noise)


@dataclass(frozen=True, eq=False)
class OnSplit:
    """The attack with the clean values that damage is relative to."""

    attack: Attack
    clean: Mapping[str, CleanValues]

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return self.attack(on_score(model, self.clean), batch, threat, noise)


def on_score(model: MultiTaskModel, clean: Mapping[str, CleanValues]) -> MultiTaskModel:
    """A view of the model whose losses are the tasks' soft damage."""
    tasks = {name: WithLoss(task, partial(soft_damage, task, clean=clean[name])) for name, task in model.tasks.items()}
    return seen_through(model, tasks)


@torch.no_grad()
def clean_values(model: MultiTaskModel, split: Sequence[Batch]) -> dict[str, CleanValues]:
    """Every task's metrics and mean loss over the clean split."""
    predictions = [model(batch.x) for batch in split]
    found = {}
    for name, task in model.tasks.items():
        pairs = [(own[name], batch.truth[name]) for own, batch in zip(predictions, split, strict=True)]
        total = torch.cat([task.statistics(*pair) for pair in pairs]).sum(dim=0).cpu().numpy()
        losses = torch.cat([task.loss(*pair) for pair in pairs])
        found[name] = CleanValues(
            {metric: float(value) for metric, value in task.scores(total).items()}, float(losses.mean())
        )
    return found

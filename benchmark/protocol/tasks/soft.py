"""A task's damage as something with a gradient: what attacks on the score ascend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ..per_sample import masked_mean
from .base import Task

FLOOR = 1e-12
"""What a clean value of 0 is taken for where something is divided by it."""


@runtime_checkable
class WithSoftDamage(Protocol):
    """A task that offers a smooth stand-in of its own D_t; one that does not is judged by its loss."""

    def soft_damage(self, prediction: Tensor, truth: Tensor, clean: Mapping[str, float]) -> Tensor:
        """The mean over the task's metrics m of m(x) / c_m, errors as they are, hits as soft misses; (B,).

        Differentiable in `prediction`, and up to a constant what D_t is: an error of twice its clean value adds 1 to
        both. `clean` are the metrics c_m of the clean split.
        """
        ...


@dataclass(frozen=True)
class CleanValues:
    """A task on the clean split: its metrics, and its mean loss."""

    metrics: Mapping[str, float]
    loss: float


def soft_damage(task: Task, prediction: Tensor, truth: Tensor, clean: CleanValues) -> Tensor:
    """The task's soft damage (B,), or its loss over the clean split's for a task that offers none."""
    if isinstance(task, WithSoftDamage):
        return task.soft_damage(prediction, truth, clean.metrics)
    return task.loss(prediction, truth) / max(clean.loss, FLOOR)


def over(value: Tensor, clean: float) -> Tensor:
    """`value` in units of a clean value."""
    return value / max(clean, FLOOR)


def soft_misses(logits: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
    """The mean over valid places of sigmoid(margin / 2), a soft share of wrong answers, (B,).

    `logits` (B, classes, ...), `labels` (B, ...) and `valid` (B, 1, ...); the margin is the largest other logit minus
    the true class's.
    """
    chosen = torch.where(valid.squeeze(1), labels, 0).long().unsqueeze(1)
    logits = torch.where(valid, logits, 0)
    own = logits.gather(1, chosen)
    others = logits.scatter(1, chosen, -torch.inf).amax(dim=1, keepdim=True)
    return masked_mean(((others - own) / 2).sigmoid(), valid)

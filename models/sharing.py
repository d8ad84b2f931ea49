"""How much the tasks of a network share, measured on the network itself: which parameters reach which task's loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from ..benchmark.protocol.types import Batch, MultiTaskModel
from .nets.layout import Layout


@dataclass(frozen=True)
class Reach:
    """How many parameters reach the losses of which tasks, and of no others; those that reach none are left out."""

    tasks: tuple[str, ...]
    parameters: Mapping[frozenset[str], int]

    @property
    def sharing_index(self) -> float | None:
        """(sum_t N_t - N) / (sum_t N_t - sum_t N_t / T): 1 if all parameters reach all T tasks, 0 if each reaches one.

        N_t parameters reach the loss of task t, N any. So many more than N would independent networks of the same parts
        have, over how many more if all was shared. 1 for a single task; None if a task has no parameters.
        """
        apart = [self.of_task(task) for task in self.tasks]
        if 0 in apart:
            return None
        if len(apart) == 1:
            return 1.0
        return (sum(apart) - sum(self.parameters.values())) / (sum(apart) * (1 - 1 / len(apart)))

    def of_task(self, task: str) -> int:
        """How many parameters reach a task's loss, alone or with others."""
        return sum(count for tasks, count in self.parameters.items() if task in tasks)

    def fault(self, layout: Layout) -> str | None:
        """What the layout says otherwise than the network does, None if nothing.

        Tasks that share a block in the layout have parameters that reach just these; there are none that reach several
        tasks but no such group. What reaches one task alone may be its head.
        """
        said = {frozenset(group) for partition in layout.blocks for group in partition if len(group) > 1}
        found = {tasks for tasks in self.parameters if len(tasks) > 1}
        for tasks in sorted(map(sorted, said - found)):
            return f"{' and '.join(tasks)} share a block in the layout, and no parameter in the network"
        for tasks in sorted(map(sorted, found - said)):
            count = self.parameters[frozenset(tasks)]
            return f"{' and '.join(tasks)} share {count} parameters in the network, and no block in the layout"
        return None


def measured_reach(model: MultiTaskModel, batch: Batch) -> Reach:
    """Which parameters the losses of `batch` are connected to: one backward pass per task.

    A gradient of zeros, as behind a dead unit, is a connection; none at all is not. Which parameters are frozen, and
    what gradients they hold, does not matter, and is as it was afterwards.
    """
    found = reached_tasks(model, batch)
    counts: Counter[frozenset[str]] = Counter()
    for name, parameter in model.named_parameters():
        if found[name]:
            counts[found[name]] += parameter.numel()
    return Reach((*model.tasks,), dict(counts))


def reached_tasks(model: MultiTaskModel, batch: Batch) -> dict[str, frozenset[str]]:
    """The tasks whose losses each parameter, by its name, reaches."""
    parameters = dict(model.named_parameters())
    found: dict[str, set[str]] = {name: set() for name in parameters}
    with torch.enable_grad(), _thawed(model):
        for task, loss in model.losses(batch).items():
            if not loss.requires_grad:
                continue
            gradients = torch.autograd.grad(loss.sum(), [*parameters.values()], retain_graph=True, allow_unused=True)
            for name, gradient in zip(parameters, gradients, strict=True):
                if gradient is not None:
                    found[name].add(task)
    return {name: frozenset(tasks) for name, tasks in found.items()}


@contextmanager
def _thawed(model: nn.Module) -> Iterator[None]:
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    try:
        for parameter in frozen:
            parameter.requires_grad_(parameter.is_floating_point())
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)

"""A network that has every property of a sound model, and networks that lack one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from mtrbench import Task
from mtrbench.models.nets.compact import compact

SIZE = (16, 16)


class Sound(nn.Module):
    """A network that has every property, untrained."""

    def __init__(self, tasks: Mapping[str, Task], layout: Sequence[str]) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.net = compact(tasks, layout, width=4)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.net(x)

    def changed(self, task: str, x: Tensor, change: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
        answers = Sound.forward(self, x)
        return {**answers, task: change(answers[task])}


class Apart(Sound):
    """Every task has a network of its own, whatever the layout says."""

    def __init__(self, tasks: Mapping[str, Task], layout: Sequence[str]) -> None:
        super().__init__(tasks, layout)
        self.own = nn.ModuleDict({task: copy.deepcopy(self.net) for task in tasks})
        del self.net

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {task: net(x)[task] for task, net in self.own.items()}


class TwoChannels(Sound):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.changed("depth", x, lambda depth: depth.expand(-1, 2, -1, -1))


class RefusesLoneImages(Sound):
    """A lone image comes as one of two."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        if len(x) == 2 and x.shape[-2:] == SIZE:
            raise ValueError("three images\nat least")
        return super().forward(x)


class MultiplesOfFour(Sound):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        height, width = (side // 4 * 4 for side in x.shape[-2:])
        return {task: values[..., :height, :width] for task, values in super().forward(x).items()}


class BlindInTheDark(Sound):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        light = x.detach().amax(dim=(1, 2, 3), keepdim=True)
        return super().forward(x * (light / light))


class NeverInEvalMode(Sound):
    def __init__(self, tasks: Mapping[str, Task], layout: Sequence[str]) -> None:
        super().__init__(tasks, layout)
        self.spare = nn.Identity()

    def train(self, mode: bool = True) -> NeverInEvalMode:
        super().train(mode)
        self.spare.train()
        return self


class Draws(Sound):
    """What all logits have in common decides nothing: no score and no loss tells it."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.changed("segmentation", x, lambda logits: logits + 1e-3 * torch.rand(()))


class Counts(Sound):
    def __init__(self, tasks: Mapping[str, Task], layout: Sequence[str]) -> None:
        super().__init__(tasks, layout)
        self.seen: Tensor
        self.register_buffer("seen", torch.zeros(()), persistent=False)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        self.seen += len(x)
        return super().forward(x)


class MixesTheBatch(Sound):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.changed("segmentation", x, lambda logits: logits + x.mean())


class Detached(Sound):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.changed("depth", x, Tensor.detach)


class Constant(Sound):
    """Depth that has a gradient, which is zero."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.changed("depth", x, lambda depth: depth.detach() + 0 * x.mean(dim=1, keepdim=True))


class BrokenGradient(Sound):
    """Depth that has a gradient, which is not a number."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.changed("depth", x, lambda depth: depth + (x - x.detach()).square().mean(1, keepdim=True).sqrt())


class Backwards(Sound):
    """Its gradients point the other way."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return super().forward(2 * x.detach() - x)


class BackwardsOffTheGrid(Sound):
    """They do so at images that have other values than multiples of 1/255, as steps of less than that give."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        levels = 255 * x.detach()
        off = ((levels - levels.round()).abs() > 0.01).flatten(1).any(dim=1).view(-1, 1, 1, 1)
        return super().forward(torch.where(off, 2 * x.detach() - x, x))

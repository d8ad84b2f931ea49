"""A backbone that branches as its layout says, with one head per task."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from .layout import Group, Layout

Statistics = tuple[Sequence[float], Sequence[float]]
"""Mean and spread per colour, which take images in [0, 1] to what the first block reads."""

# Images leave the input layer roughly centred and of unit spread, whatever they show.
CENTRED: Statistics = ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
# What public weights trained on ImageNet are used to.
IMAGENET: Statistics = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def _key(group: Group) -> str:
    return "+".join(group)


class TreeNet(nn.Module):
    """Shared blocks run once per group of tasks; each task's head reads the last block of its branch.

    `blocks[b]()` makes block b, `heads[task]()` the head of `task`, which also upsamples the prediction to at least
    the input's size; with `skips` it is called with the outputs of those blocks of its branch, too. Images
    (B, 3, H, W) in [0, 1] to {task: (B, channels, H, W)}. `names` is what public weights call the blocks' parts, and
    `unread` how the names of those begin that have no place here (see `load_backbone`).
    """

    def __init__(
        self,
        layout: Layout,
        blocks: Sequence[Callable[[], nn.Module]],
        heads: Mapping[str, Callable[[], nn.Module]],
        statistics: Statistics = CENTRED,
        names: Mapping[str, str] | None = None,
        skips: Sequence[int] = (),
        unread: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.layout = layout
        self.read = (-1, *skips)
        self.unread = tuple(unread)
        self.names = names
        self.mean: Tensor
        self.spread: Tensor
        for name, values in zip(("mean", "spread"), statistics, strict=True):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32).view(3, 1, 1), persistent=False)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({_key(group): make() for group in partition})
            for partition, make in zip(layout.blocks, blocks, strict=True)
        )
        self.heads = nn.ModuleDict({task: heads[task]() for task in layout.tasks})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        outputs: list[dict[Group, Tensor]] = []
        inputs = (x - self.mean) / self.spread
        for number, partition in enumerate(self.layout.blocks):
            outputs.append({})
            for group in partition:
                if not any(task in self.heads for task in group):  # left out by `restricted_to`
                    continue
                source = inputs if number == 0 else outputs[-2][self.layout.parent(number, group)]
                outputs[-1][group] = self.blocks[number].get_submodule(_key(group))(source)
        # A stride that does not divide the size leaves predictions a little larger than the images.
        height, width = x.shape[-2:]
        return {
            task: head(*(outputs[block][self.layout.group(block, task)] for block in self.read))[..., :height, :width]
            for task, head in self.heads.items()
        }

    def restricted_to(self, tasks: Sequence[str]) -> TreeNet:
        """The same network without the heads of other tasks than these, and without the blocks that only those need."""
        found = copy.copy(self)
        found._modules = {
            "blocks": nn.ModuleList(
                nn.ModuleDict(
                    {
                        _key(group): self.blocks[number].get_submodule(_key(group))
                        for group in partition
                        if any(task in tasks for task in group)
                    }
                )
                for number, partition in enumerate(self.layout.blocks)
            ),
            "heads": nn.ModuleDict({task: self.heads[task] for task in self.layout.tasks if task in tasks}),
        }
        return found.train(self.training)

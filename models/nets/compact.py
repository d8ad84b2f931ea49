"""The compact tree network of the rooms models: residual blocks at a quarter of the resolution, ASPP heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...benchmark.protocol.tasks import Task
from .layout import Layout
from .tree import TreeNet

STRIDE = 4


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut (arXiv 1512.03385)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, dilation, dilation, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = (
            nn.Identity()
            if inputs == outputs and stride == 1
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


class AsppHead(nn.Module):
    """Atrous spatial pyramid pooling (arXiv 1606.00915): parallel dilated convolutions, then sub-pixel upsampling."""

    def __init__(self, inputs: int, outputs: int, rates: Sequence[int], width: int, hidden: int) -> None:
        super().__init__()
        self.pyramid = nn.ModuleList(nn.Conv2d(inputs, width, 3, 1, rate, rate, bias=False) for rate in rates)
        self.norm = nn.BatchNorm2d(width * len(rates))
        self.project = nn.Conv2d(width * len(rates), hidden, 1)
        self.predict = nn.Conv2d(hidden, outputs * STRIDE**2, 1)

    def forward(self, x: Tensor) -> Tensor:
        pyramid = F.relu(self.norm(torch.cat([branch(x) for branch in self.pyramid], dim=1)))
        return F.pixel_shuffle(self.predict(F.relu(self.project(pyramid))), STRIDE)


def compact(tasks: Mapping[str, Task], layout: Sequence[str], width: int = 24) -> TreeNet:
    """The compact network for `tasks`, cut into five blocks that branch as `layout` says (see `Layout.parse`)."""
    blocks = (
        lambda: nn.Sequential(nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
        partial(Residual, width, width),
        lambda: nn.Sequential(Residual(width, 2 * width, stride=2), Residual(2 * width, 2 * width)),
        partial(Residual, 2 * width, 3 * width, dilation=2),
        partial(Residual, 3 * width, 3 * width, dilation=4),
    )
    heads = {
        name: partial(AsppHead, 3 * width, task.channels, rates=(1, 3, 6, 9), width=width, hidden=2 * width)
        for name, task in tasks.items()
    }
    return TreeNet(Layout.parse(layout), blocks, heads)

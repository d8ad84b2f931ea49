"""The compact tree network of the rooms models: residual blocks at a quarter of the resolution, decoder heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...benchmark.protocol.tasks.base import Task
from ...benchmark.protocol.tasks.checks import channels_of
from .layout import Layout
from .tree import TreeNet


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


class DecoderHead(nn.Module):
    """Atrous pyramid, then a decoder that also reads features from before the second stride (arXiv 1802.02611).

    `deep` (B, inputs, H / 4, W / 4) and `early` (B, width, H / 2, W / 2) to (B, outputs, H, W), all rounded up.
    Both upsamplings are sub-pixel (arXiv 1609.05158).
    """

    def __init__(self, inputs: int, outputs: int, rates: Sequence[int], width: int) -> None:
        super().__init__()
        self.pyramid = nn.ModuleList(nn.Conv2d(inputs, width, 3, 1, rate, rate, bias=False) for rate in rates)
        self.norm = nn.BatchNorm2d(width * len(rates))
        self.project = nn.Conv2d(width * len(rates), 4 * width, 1, bias=False)
        self.early = nn.Conv2d(width, width, 1, bias=False)
        self.joint = nn.BatchNorm2d(width)
        self.predict = nn.Conv2d(width, 4 * outputs, 3, 1, 1)

    def forward(self, deep: Tensor, early: Tensor) -> Tensor:
        pyramid = F.relu(self.norm(torch.cat([branch(deep) for branch in self.pyramid], dim=1)))
        height, width = early.shape[-2:]
        joint = F.pixel_shuffle(self.project(pyramid), 2)[..., :height, :width] + self.early(early)
        return F.pixel_shuffle(self.predict(F.relu(self.joint(joint))), 2)


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
        name: partial(DecoderHead, 3 * width, channels_of(task), rates=(1, 3, 6, 9), width=width)
        for name, task in tasks.items()
    }
    return TreeNet(Layout.parse(layout), blocks, heads, skips=(1,))

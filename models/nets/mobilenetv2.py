"""MobileNetV2, dilated for predictions at an eighth of the resolution, cut into five blocks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.tasks.base import Task
from .aspp import DeepLabHead
from .layout import Layout
from .tree import IMAGENET, TreeNet

STEM, LAST = 32, 1280
# Expansion, channels, repeats, stride of the first and dilation of all, of the seven stages of inverted residuals.
STAGES = (
    (1, 16, 1, 1, 1),
    (6, 24, 2, 2, 1),
    (6, 32, 3, 2, 1),
    (6, 64, 4, 1, 2),
    (6, 96, 3, 1, 2),
    (6, 160, 3, 1, 4),
    (6, 320, 1, 1, 4),
)
# The first of the 19 layers of each block, and their count.
CUTS = (0, 4, 11, 14, 18, 19)

NAMES = {
    r"[04]\.(0|18)\.(\d)": r"features.\1.\2",
    r"\d\.(\d+)\.(.+)": r"features.\1.conv.\2",
}


def _unit(inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1, groups: int = 1) -> nn.Module:
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Sequential):
    """Expansion, depthwise convolution and linear bottleneck, beside a shortcut where shapes allow one."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, dilation: int) -> None:
        hidden = expansion * inputs
        super().__init__(
            *([_unit(inputs, hidden, 1)] if expansion > 1 else []),
            _unit(hidden, hidden, 3, stride, dilation, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for part in self:
            y = part(y)
        return x + y if self.shortcut else y


def _channels(count: int, multiplier: float) -> int:
    """The multiple of 8 next to count x multiplier, but not less than 90 % of it, as public weights have it."""
    wanted = count * multiplier
    nearest = max(8, int(wanted + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * wanted else nearest + 8


def mobilenetv2(tasks: Mapping[str, Task], layout: Sequence[str], width_multiplier: float = 1.0) -> TreeNet:
    """MobileNetV2 (arXiv 1801.04381) under the ASPP heads of DeepLab-v2 (arXiv 1606.00915), output stride 8.

    The five blocks are layers 0-3, 4-10, 11-13, 14-17 and 18 of 19, as in TreeMTL (arXiv 2203.14338); after layer 4
    they are dilated instead of strided. Channels are multiples of 8.
    Raises BadInputError if `width_multiplier` is not positive.
    """
    if not width_multiplier > 0:
        raise BadInputError(f"width_multiplier must be positive, not {width_multiplier}")

    inputs = _channels(STEM, width_multiplier)
    layers: list[Callable[[], nn.Module]] = [partial(_unit, 3, inputs, 3, 2)]
    for expansion, count, repeats, first, dilation in STAGES:
        outputs = _channels(count, width_multiplier)
        for stride in (first, *[1] * (repeats - 1)):
            layers.append(partial(InvertedResidual, inputs, outputs, expansion, stride, dilation))
            inputs = outputs
    last = _channels(LAST, max(1.0, width_multiplier))  # the paper never narrows the last layer
    layers.append(partial(_unit, inputs, last, 1))

    def block(first: int, end: int) -> nn.Module:
        return nn.Sequential(OrderedDict((str(number), layers[number]()) for number in range(first, end)))

    blocks = [partial(block, first, end) for first, end in pairwise(CUTS)]
    heads = {name: partial(DeepLabHead, last, task.channels, stride=8) for name, task in tasks.items()}
    return TreeNet(Layout.parse(layout), blocks, heads, IMAGENET, NAMES)

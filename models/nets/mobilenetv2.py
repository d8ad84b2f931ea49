"""MobileNetV2 cut into five blocks, under the heads of DeepLab-v2 or under light decoders."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.tasks.base import Task
from ...benchmark.protocol.tasks.checks import channels_of
from .aspp import DeepLabHead
from .layout import Layout
from .pyramid_head import PyramidHead
from .tree import IMAGENET, TreeNet

STEM, LAST = 32, 1280
Stage = tuple[int, int, int, int, int]
# Expansion, channels, repeats, stride of the first and dilation of all, of the seven stages of inverted residuals.
STAGES: tuple[Stage, ...] = (
    (1, 16, 1, 1, 1),
    (6, 24, 2, 2, 1),
    (6, 32, 3, 2, 1),
    (6, 64, 4, 1, 2),
    (6, 96, 3, 1, 2),
    (6, 160, 3, 1, 4),
    (6, 320, 1, 1, 4),
)
PYRAMID_STAGES = (*STAGES[:5], (6, 160, 3, 2, 1), (6, 320, 1, 1, 1))
# The first of the 19 layers of each block, and their count.
CUTS = (0, 4, 11, 14, 18, 19)
# The same without the last layer, which spreads features for the classifier of ImageNet.
PYRAMID_CUTS = (0, 4, 11, 14, 17, 18)

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
    layers, channels = _residuals(STAGES, width_multiplier)
    last = _channels(LAST, max(1.0, width_multiplier))  # the paper never narrows the last layer
    layers.append(partial(_unit, channels[-1], last, 1))
    heads = {name: partial(DeepLabHead, last, channels_of(task), stride=8) for name, task in tasks.items()}
    return TreeNet(Layout.parse(layout), _blocks(layers, CUTS), heads, IMAGENET, NAMES)


def mobilenetv2_pyramid(
    tasks: Mapping[str, Task], layout: Sequence[str], width_multiplier: float = 1.0, head_width: int = 48
) -> TreeNet:
    """MobileNetV2 without its last layer under decoders of `head_width` channels that also read finer features.

    The five blocks are layers 0-3, 4-10, 11-13, 14-16 and 17, at strides 4, 8, 8, 16 and 16; each task's `PyramidHead`
    reads the first, third and fifth. For small images: a training step takes about a quarter of `mobilenetv2`'s.
    Raises BadInputError if `width_multiplier` is not positive.
    """
    layers, channels = _residuals(PYRAMID_STAGES, width_multiplier)
    inputs = [channels[end - 1] for end in (PYRAMID_CUTS[5], PYRAMID_CUTS[3], PYRAMID_CUTS[1])]
    heads = {name: partial(PyramidHead, inputs, channels_of(task), head_width) for name, task in tasks.items()}
    blocks = _blocks(layers, PYRAMID_CUTS)
    return TreeNet(Layout.parse(layout), blocks, heads, IMAGENET, NAMES, skips=(2, 0), unread=("features.18.",))


Layer = Callable[[], nn.Module]


def _residuals(stages: Sequence[Stage], width_multiplier: float) -> tuple[list[Layer], list[int]]:
    """The input layer and the inverted residuals, and the channels that each gives."""
    if not width_multiplier > 0:
        raise BadInputError(f"width_multiplier must be positive, not {width_multiplier}")
    channels = [_channels(STEM, width_multiplier)]
    layers: list[Layer] = [partial(_unit, 3, channels[0], 3, 2)]
    for expansion, count, repeats, first, dilation in stages:
        outputs = _channels(count, width_multiplier)
        for stride in (first, *[1] * (repeats - 1)):
            layers.append(partial(InvertedResidual, channels[-1], outputs, expansion, stride, dilation))
            channels.append(outputs)
    return layers, channels


def _blocks(layers: Sequence[Layer], cuts: Sequence[int]) -> list[Layer]:
    def block(first: int, end: int) -> nn.Module:
        return nn.Sequential(OrderedDict((str(number), layers[number]()) for number in range(first, end)))

    return [partial(block, first, end) for first, end in pairwise(cuts)]

"""ResNet-34 as DeepLab uses it, dilated for predictions at an eighth of the resolution, cut into five blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from torch import nn

from ...benchmark.protocol.tasks.base import Task
from ...benchmark.protocol.tasks.checks import channels_of
from .aspp import DeepLabHead
from .compact import Residual
from .layout import Layout
from .tree import IMAGENET, TreeNet

# Residual blocks, width in units of the stem's, stride and dilation of the four stages.
STAGES = ((3, 1, 1, 1), (4, 2, 2, 1), (6, 4, 1, 2), (3, 8, 1, 4))

NAMES = {
    r"0\.0": r"conv1",
    r"0\.1": r"bn1",
    r"([1-4])\.(\d)\.body\.0": r"layer\1.\2.conv1",
    r"([1-4])\.(\d)\.body\.1": r"layer\1.\2.bn1",
    r"([1-4])\.(\d)\.body\.3": r"layer\1.\2.conv2",
    r"([1-4])\.(\d)\.body\.4": r"layer\1.\2.bn2",
    r"([1-4])\.(\d)\.shortcut\.(\d)": r"layer\1.\2.downsample.\3",
}


def resnet34_deeplab(tasks: Mapping[str, Task], layout: Sequence[str], width: int = 64) -> TreeNet:
    """ResNet-34 (arXiv 1512.03385) under the ASPP heads of DeepLab-v2 (arXiv 1606.00915), output stride 8.

    The five blocks are the stem (7x7 convolution and pooling) and the four stages of residual blocks; the last two
    stages are dilated instead of strided. The stem has `width` channels, 64 in the paper.
    """

    def stem() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )

    def stage(inputs: int, outputs: int, count: int, stride: int, dilation: int) -> nn.Module:
        return nn.Sequential(
            Residual(inputs, outputs, stride, dilation),
            *(Residual(outputs, outputs, dilation=dilation) for _ in range(count - 1)),
        )

    blocks = [stem]
    inputs = width
    for count, factor, stride, dilation in STAGES:
        blocks.append(partial(stage, inputs, factor * width, count, stride, dilation))
        inputs = factor * width
    heads = {name: partial(DeepLabHead, inputs, channels_of(task), stride=8) for name, task in tasks.items()}
    return TreeNet(Layout.parse(layout), blocks, heads, IMAGENET, NAMES)

"""Plain backbones with the names and shapes of public weights, to compare ours with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from helpers.architectures import TASKS, path
from mtrbench.models.building import build
from mtrbench.models.card import Architecture
from mtrbench.models.nets.tree import TreeNet

Weights = dict[str, Tensor]
MEAN, SPREAD = (torch.tensor(values).view(3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


class Public:
    """A plain backbone in torchvision's names, which makes its weights as it meets them first, then computes alone."""

    def __init__(self, weights: Weights | None = None) -> None:
        self.weights: Weights = {} if weights is None else weights
        self.made = weights is None

    def _weight(self, name: str, value: Callable[[], Tensor]) -> Tensor:
        if self.made:
            self.weights[name] = value()
        return self.weights[name]

    def conv(
        self, x: Tensor, name: str, outputs: int, size: int, stride: int = 1, rate: int = 1, groups: int = 1
    ) -> Tensor:
        shape = (outputs, x.shape[1] // groups, size, size)
        weight = self._weight(f"{name}.weight", lambda: torch.randn(shape) / (shape[1] * size * size) ** 0.5)
        return F.conv2d(x, weight, None, stride, rate * (size // 2), rate, groups)

    def norm(self, x: Tensor, name: str) -> Tensor:
        count = x.shape[1]
        mean = self._weight(f"{name}.running_mean", lambda: torch.randn(count) / 10)
        var = self._weight(f"{name}.running_var", lambda: 0.5 + torch.rand(count))
        weight = self._weight(f"{name}.weight", lambda: 0.5 + torch.rand(count))
        bias = self._weight(f"{name}.bias", lambda: torch.randn(count) / 10)
        self._weight(f"{name}.num_batches_tracked", lambda: torch.tensor(1))
        return F.batch_norm(x, mean, var, weight, bias)


def resnet34(net: Public, x: Tensor, width: int) -> Tensor:
    x = F.relu(net.norm(net.conv(x, "conv1", width, 7, 2), "bn1"))
    x = F.max_pool2d(x, 3, 2, 1)
    for stage, (count, stride, rate) in enumerate(((3, 1, 1), (4, 2, 1), (6, 1, 2), (3, 1, 4))):
        outputs = width * 2**stage
        for unit in range(count):
            at, step = f"layer{stage + 1}.{unit}", stride if unit == 0 else 1
            y = F.relu(net.norm(net.conv(x, f"{at}.conv1", outputs, 3, step, rate), f"{at}.bn1"))
            y = net.norm(net.conv(y, f"{at}.conv2", outputs, 3, 1, rate), f"{at}.bn2")
            if unit == 0 and stage > 0:
                x = net.norm(net.conv(x, f"{at}.downsample.0", outputs, 1, step), f"{at}.downsample.1")
            x = F.relu(x + y)
    return x


# What public weights of these widths have for the channels of width 1.
PUBLISHED = {
    1.0: {count: count for count in (32, 16, 24, 64, 96, 160, 320)},
    0.75: {32: 24, 16: 16, 24: 24, 64: 48, 96: 72, 160: 120, 320: 240},
    0.5: {32: 16, 16: 8, 24: 16, 64: 32, 96: 48, 160: 80, 320: 160},
    0.25: {32: 8, 16: 8, 24: 8, 64: 16, 96: 24, 160: 40, 320: 80},
}


DILATED = ((16, 1, 1, 1), (24, 2, 2, 1), (32, 3, 2, 1), (64, 4, 1, 2), (96, 3, 1, 2), (160, 3, 1, 4), (320, 1, 1, 4))
STRIDED = (*DILATED[:5], (160, 3, 2, 1), (320, 1, 1, 1))
Stages = tuple[tuple[int, int, int, int], ...]


def mobilenet_v2_pyramid(net: Public, x: Tensor, width: float) -> Tensor:
    """Up to the last inverted residual; a file holds the layer behind it, too."""
    x = mobilenet_v2_residuals(net, x, width, STRIDED)
    net.norm(net.conv(x, "features.18.0", 1280, 1), "features.18.1")
    return x


def mobilenet_v2(net: Public, x: Tensor, width: float) -> Tensor:
    x = mobilenet_v2_residuals(net, x, width, DILATED)
    return F.relu6(net.norm(net.conv(x, "features.18.0", 1280, 1), "features.18.1"))


def mobilenet_v2_residuals(net: Public, x: Tensor, width: float, stages: Stages) -> Tensor:
    def channels(count: int) -> int:
        return PUBLISHED[width][count]

    x = F.relu6(net.norm(net.conv(x, "features.0.0", channels(32), 3, 2), "features.0.1"))
    layer = 1
    for count, repeats, first, rate in stages:
        expansion = 1 if layer == 1 else 6
        for unit in range(repeats):
            at, y, part = f"features.{layer}.conv", x, 0
            hidden = x.shape[1] * expansion
            if expansion > 1:
                y = F.relu6(net.norm(net.conv(y, f"{at}.0.0", hidden, 1), f"{at}.0.1"))
                part = 1
            step = first if unit == 0 else 1
            y = F.relu6(net.norm(net.conv(y, f"{at}.{part}.0", hidden, 3, step, rate, hidden), f"{at}.{part}.1"))
            y = net.norm(net.conv(y, f"{at}.{part + 1}", channels(count), 1), f"{at}.{part + 2}")
            x = x + y if step == 1 and x.shape == y.shape else y
            layer += 1
    return x


BACKBONES = {
    "resnet34_deeplab": (resnet34, "width", {"fc.weight": (1000, 512), "fc.bias": (1000,)}),
    "mobilenetv2": (
        mobilenet_v2,
        "width_multiplier",
        {"classifier.1.weight": (1000, 1280), "classifier.1.bias": (1000,)},
    ),
}
BACKBONES["mobilenetv2_pyramid"] = (mobilenet_v2_pyramid, *BACKBONES["mobilenetv2"][1:])
SMALL = {"resnet34_deeplab": 4, "mobilenetv2": 0.25, "mobilenetv2_pyramid": 0.25}
every_backbone = pytest.mark.parametrize("entry", BACKBONES)


def public_weights(entry: str, width: float) -> Weights:
    torch.manual_seed(1)
    forward, _, classifier = BACKBONES[entry]
    net = Public()
    forward(net, torch.rand(1, 3, 32, 32), width)
    return {**net.weights, **{name: torch.rand(shape) for name, shape in classifier.items()}}


def make_net(entry: str, width: float, *layout: str) -> TreeNet:
    torch.manual_seed(0)
    settings = {BACKBONES[entry][1]: width}
    made = Architecture(entry=path(entry), layout=list(layout), settings=settings)
    return build(made, {name: TASKS[name] for name in TASKS if name in layout[0].split()}).net.eval()


def features(net: TreeNet, task: str, x: Tensor) -> Tensor:
    """What the head of `task` reads."""
    seen: list[Tensor] = []
    handle = net.heads[task].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net(x)
    handle.remove()
    return seen[0]


def saved(file: Path, weights: Weights) -> Path:
    (save_file if file.suffix == ".safetensors" else torch.save)(weights, file)
    return file

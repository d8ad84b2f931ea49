"""A light decoder head over three resolutions of the backbone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RATES = (1, 2, 4)


class PyramidHead(nn.Module):
    """Atrous pyramid with a view of the whole image, then a decoder that adds finer features twice.

    `deep`, `middle` and `early` are (B, inputs[i], h, w) from coarse to fine; the prediction (B, outputs, 4 h, 4 w) has
    four times the size of `early`: sub-pixel (arXiv 1609.05158), then bilinear. The pyramid is DeepLab's
    (arXiv 1706.05587), the decoder adds as feature pyramids do (arXiv 1612.03144).
    """

    def __init__(self, inputs: Sequence[int], outputs: int, width: int) -> None:
        super().__init__()
        deep, middle, early = inputs
        self.reduce = _unit(deep, width, 1)
        self.pyramid = nn.ModuleList(nn.Conv2d(width, width, 3, 1, rate, rate, bias=False) for rate in RATES)
        self.whole = nn.Conv2d(width, width, 1)
        self.norm = nn.BatchNorm2d(width * len(RATES))
        self.project = nn.Conv2d(width * len(RATES), width, 1, bias=False)
        self.middle = nn.Conv2d(middle, width, 1, bias=False)
        self.early = nn.Conv2d(early, width, 1, bias=False)
        self.coarse = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), _unit(width, width, 3))
        self.fine = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), _unit(width, width, 3))
        self.predict = nn.Conv2d(width, 4 * outputs, 1)

    def forward(self, deep: Tensor, middle: Tensor, early: Tensor) -> Tensor:
        x = self.reduce(deep)
        pyramid = F.relu(self.norm(torch.cat([branch(x) for branch in self.pyramid], dim=1)))
        x = self.project(pyramid) + self.whole(x.mean(dim=(2, 3), keepdim=True))
        x = self.coarse(_resized(x, middle) + self.middle(middle))
        x = self.fine(_resized(x, early) + self.early(early))
        twice = F.pixel_shuffle(self.predict(x), 2)
        return F.interpolate(twice, scale_factor=2, mode="bilinear", align_corners=False)


def _unit(inputs: int, outputs: int, kernel: int) -> nn.Module:
    convolution = nn.Conv2d(inputs, outputs, kernel, 1, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def _resized(x: Tensor, to: Tensor) -> Tensor:
    return F.interpolate(x, size=to.shape[-2:], mode="bilinear", align_corners=False)

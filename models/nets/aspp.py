"""The head of DeepLab-v2."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RATES = (6, 12, 18, 24)


class DeepLabHead(nn.Module):
    """Atrous spatial pyramid pooling (arXiv 1606.00915): sum_r conv_r(x) over the rates r = 6, 12, 18, 24.

    The sum of the 3x3 convolutions with dilation r is the prediction at 1 / `stride` of the resolution; it is upsampled
    bilinearly by `stride`.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.pyramid = nn.ModuleList(nn.Conv2d(inputs, outputs, 3, 1, rate, rate) for rate in RATES)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        coarse = torch.stack([branch(x) for branch in self.pyramid]).sum(dim=0)
        return F.interpolate(coarse, scale_factor=self.stride, mode="bilinear", align_corners=False)

"""The mean over a sample's valid pixels."""

from __future__ import annotations

import torch
from torch import Tensor


def masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    """(B,) out of (B, 1, H, W): the mean where `valid`, 0 for a sample without any valid pixel."""
    return _sum(torch.where(valid, values, 0)) / _sum(valid.to(values.dtype)).clamp(min=1)


def _sum(values: Tensor) -> Tensor:
    # Dimension by dimension, so that a sample's sum does not depend on the batch it is in.
    return values.sum(dim=-1).sum(dim=-1).sum(dim=-1)

"""What an attacker of depth may ascend: metres (B, 1, H, W) against the same."""

from __future__ import annotations

import torch
from torch import Tensor

from ...benchmark.protocol.per_sample import masked_mean
from ...benchmark.protocol.tasks.depth import Depth

NEAREST = 1e-3
"""The smallest depth whose logarithm `log` takes, in metres."""


def relative(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean over valid pixels of |p - t| / t, (B,): what the relative error measures."""
    p, t, valid = _valid(prediction, truth)
    return masked_mean((p - t).abs() / t, valid)


def log(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean over valid pixels of |log max(p, NEAREST) - log t|, (B,): what the ratios delta < 1.25^k measure.

    Without gradient where p < NEAREST, a pixel that fails every delta.
    """
    p, t, valid = _valid(prediction, truth)
    return masked_mean((p.clamp(min=NEAREST).log() - t.log()).abs(), valid)


def _valid(prediction: Tensor, truth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    valid = Depth.valid(truth)
    return torch.where(valid, prediction, 1), torch.where(valid, truth, 1), valid

"""The Euclidean projection onto the probability simplex."""

from __future__ import annotations

import torch
from torch import Tensor


def project_onto_simplex(points: Tensor) -> Tensor:
    """The nearest weights, argmin |w - v|_2 over {w >= 0, sum_t w_t = 1}, of every column v of `points` (T, B).

    The optimum is w = max(v - tau, 0) with the tau that makes the sum 1. With u the values of v in descending order,
    tau = (u_1 + ... + u_k - 1) / k for the largest k with u_k > (u_1 + ... + u_k - 1) / k (arXiv 1309.1541).
    """
    shifted = points - points.amax(dim=0)  # adding a constant moves no projection, and rounding is least near 0
    ordered = shifted.sort(dim=0, descending=True).values
    ranks = torch.arange(1, len(points) + 1, dtype=points.dtype, device=points.device).unsqueeze(1)
    thresholds = (ordered.cumsum(dim=0) - 1) / ranks
    support = (ordered > thresholds).sum(dim=0, keepdim=True)
    return (shifted - thresholds.gather(0, support - 1)).clamp(min=0)

"""What an attacker of normals may ascend: vectors (B, 3, H, W) against the same."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ...benchmark.protocol.per_sample import masked_mean, unit
from ...benchmark.protocol.tasks.normals import Normals

SHORTEST = 1e-6
"""A prediction shorter than this has no direction."""


def angle(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean over valid pixels of the angle atan2(|p x t|, <p, t>), (B,), in radians.

    Its gradient is finite everywhere, unlike that of acos, and 0 where the normals are equal or opposite. A prediction
    without direction counts as a right angle.
    """
    valid = Normals.valid(truth)
    p, t = torch.where(valid, prediction, 0), unit(torch.where(valid, truth, 0))
    directed = torch.linalg.vector_norm(p, dim=1, keepdim=True) >= SHORTEST
    p = unit(torch.where(directed, p, 1))
    # Where there is no truth, t = 0 and both arguments would be 0, at which atan2 has no gradient.
    sine = torch.linalg.vector_norm(torch.linalg.cross(p, t, dim=1), dim=1, keepdim=True)
    cosine = torch.where(valid, (p * t).sum(dim=1, keepdim=True), 1)
    return masked_mean(torch.where(directed, torch.atan2(sine, cosine), math.pi / 2), valid)


def cospgd(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean over valid pixels of w (1 - cosine), w = cos(softmax(p / |p|), softmax(t)), a constant; (B,).

    CosPGD's weight for regression, softmax over the channels on both sides as in the public code of arXiv 2302.02213.
    It is taken of the unit vector, as the training loss is: a prediction's length means nothing.
    """
    valid = Normals.valid(truth)
    p, t = (unit(torch.where(valid, v, 0), SHORTEST) for v in (prediction, truth))
    weight = F.cosine_similarity(p.detach().softmax(dim=1), t.softmax(dim=1), dim=1).unsqueeze(1)
    return masked_mean(weight * (1 - (p * t).sum(dim=1, keepdim=True)), valid)

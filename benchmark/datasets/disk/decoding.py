"""Pixels to tensors, as several formats need it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .files import Pixels


def image(pixels: Pixels) -> Tensor:
    """Photographs in 8 bits (H, W, 3): float32 (3, H, W) in [0, 1]."""
    return torch.from_numpy(np.array(pixels, np.float32).transpose(2, 0, 1) / 255)


def labels(pixels: Pixels) -> Tensor:
    """Labels (H, W): int64 (H, W)."""
    return torch.from_numpy(np.array(pixels, np.int64))


def plane(pixels: Pixels) -> Tensor:
    """Numbers (H, W): float32 (1, H, W)."""
    return torch.from_numpy(np.array(pixels, np.float32))[None]


def directions(vectors: Tensor) -> Tensor:
    """Vectors (3, H, W) at length 1; the zero vector for those that are no directions, more than 0.5 longer or shorter.

    White has length 1.7. The files also hold middle grey, length 0.007, which is no direction either.
    """
    length = torch.linalg.vector_norm(vectors, dim=0, keepdim=True)
    return torch.where((length - 1).abs() < 0.5, vectors / length, 0.0)


def colours_as_normals(pixels: Pixels) -> Tensor:
    """Unit normals (3, H, W) in 8 bits per axis (H, W, 3)."""
    return directions(image(pixels) * 2 - 1)


def vectors_as_normals(pixels: Pixels) -> Tensor:
    """Unit normals (3, H, W) as they are (H, W, 3)."""
    return directions(torch.from_numpy(np.nan_to_num(np.array(pixels, np.float32).transpose(2, 0, 1))))

"""Two-dimensional responses of an image: interest points and texture edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .parts import Floats

VERSION = 1
"""Changes with any change of the responses; part of the data set's digest."""

# Luminance weights of ITU-R BT.601; a Gaussian of standard deviation 1 pixel.
LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
GAUSSIAN = np.array([0.0544887, 0.2442013, 0.4026199, 0.2442013, 0.0544887], dtype=np.float32)
CORNER_RANGE = 0.04
EDGE_RANGE = 0.12


def keypoints2d(image: NDArray[np.uint8]) -> Floats:
    """How corner-like each pixel of `image` (..., H, W, 3) is, (..., H, W) in [-1, 1].

    The square root of the smaller eigenvalue of the smoothed structure tensor (Shi and Tomasi), so a contrast per
    pixel; 0 maps to -1 and CORNER_RANGE and more to 1.
    """
    along, across = _gradient(_smooth(_luminance(image)))
    xx, yy, xy = _smooth(along * along), _smooth(across * across), _smooth(along * across)
    smaller = (xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy * xy)
    return _scaled(np.sqrt(np.maximum(smaller, 0)), CORNER_RANGE)


def edge_texture(image: NDArray[np.uint8]) -> Floats:
    """The gradient magnitude of the smoothed luminance of `image` (..., H, W, 3), (..., H, W) in [-1, 1].

    0 maps to -1; EDGE_RANGE of full scale per pixel and more map to 1.
    """
    along, across = _gradient(_smooth(_luminance(image)))
    return _scaled(np.sqrt(along * along + across * across), EDGE_RANGE)


def _luminance(image: NDArray[np.uint8]) -> Floats:
    # Term by term, not as a matrix product, whose order of summation may depend on the number of images.
    scaled: Floats = image.astype(np.float32) * (LUMINANCE / np.float32(255))
    return scaled[..., 0] + scaled[..., 1] + scaled[..., 2]


def _smooth(plane: Floats) -> Floats:
    for axis in (-2, -1):
        plane = sum(weight * _shifted(plane, axis, i - 2) for i, weight in enumerate(GAUSSIAN))
    return plane


def _gradient(plane: Floats) -> tuple[Floats, Floats]:
    """The derivatives along the last axis and along the one before, by central differences."""
    along, across = (np.float32(0.5) * (_shifted(plane, axis, 1) - _shifted(plane, axis, -1)) for axis in (-1, -2))
    return along, across


def _shifted(plane: Floats, axis: int, by: int) -> Floats:
    """`plane` at coordinates moved by `by` along `axis`, its border repeated outwards."""
    count = plane.shape[axis]
    shifted: Floats = plane.take(np.clip(np.arange(count) + by, 0, count - 1), axis=axis)
    return shifted


def _scaled(values: Floats, top: float) -> Floats:
    scaled: Floats = np.minimum(values * np.float32(2 / top) - np.float32(1), np.float32(1))
    return scaled

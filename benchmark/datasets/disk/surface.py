"""Surface normals out of depth: planes fitted to what surrounds each pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float64]
Mask = NDArray[np.bool_]

WINDOWS = (5, 7, 11)
"""Sides of the square windows that planes are fitted in, in pixels of an image 160 wide."""
SHARE = 0.3
"""How much of a window has to be known and of its centre's label; else it has no plane."""
NOISE = 1e-3
"""What depth may be off the plane, relative to itself, without a window counting less."""


@dataclass(frozen=True)
class Pinhole:
    """A camera without distortion, in pixels of an image of `size` (height, width): focal lengths and centre."""

    fx: float
    fy: float
    cx: float
    cy: float
    size: tuple[int, int]

    def fitted(self, size: tuple[int, int]) -> Pinhole:
        """The camera of the same picture, scaled until it covers `size` and cut at the centre."""
        (height, width), (high, wide) = self.size, size
        scale = max(high / height, wide / width)
        left, top = (width * scale - wide) / 2, (height * scale - high) / 2
        cx, cy = (self.cx + 0.5) * scale - left - 0.5, (self.cy + 0.5) * scale - top - 0.5
        return Pinhole(self.fx * scale, self.fy * scale, cx, cy, size)

    def slopes(self) -> tuple[Map, Map]:
        """How far each pixel's ray goes right and down per metre of depth, each (H, W)."""
        rows, columns = np.indices(self.size, np.float64)
        return (columns - self.cx) / self.fx, (rows - self.cy) / self.fy


def derived_normals(
    depth: NDArray[np.floating],
    labels: NDArray[np.integer] | None,
    camera: Pinhole,
    windows: Sequence[int] = WINDOWS,
) -> NDArray[np.float32]:
    """Unit normals (H, W, 3) towards the camera, x right, y forward, z up, of depth (H, W) in metres; 0 where unknown.

    On a plane the inverse depth is linear in the ray's slopes u (right) and v (down): 1/d = a u + b v + c, and
    (a, b, c) lies along the normal. Least squares fit it in `windows` of several sizes around each pixel, over those
    pixels alone that are known (depth finite and above 0) and have the centre's label; the unit normals are added up,
    weighted by 1 / (r² + 0.001²), where r is the fit's relative residual. `labels` None is one surface.
    """
    known = np.isfinite(depth) & (depth > 0)
    inverse = np.where(known, 1 / np.where(known, depth, 1), 0).astype(np.float64)
    u, v = camera.slopes()
    sides = [2 * round((side * max(depth.shape[1] / 160, 1) - 1) / 2) + 1 for side in windows]
    found = np.zeros((*depth.shape, 3))
    for place, mask in _surfaces(known, labels, margin=max(sides) // 2):
        planes = sum(_plane(inverse[place], u[place], v[place], mask, side) for side in sides)
        found[place][mask] = np.asarray(planes)[mask]
    a, b, c = np.moveaxis(_units(found), -1, 0)
    return np.stack([-a, -c, b], axis=-1).astype(np.float32)


def _surfaces(
    known: Mask, labels: NDArray[np.integer] | None, margin: int
) -> Iterator[tuple[tuple[slice, slice], Mask]]:
    """For every label the part of the image around it, and where in that part it is known."""
    for label in [None] if labels is None else np.unique(labels[known]).tolist():
        mask = known if label is None else known & (labels == label)
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        if rows.size:
            place = tuple(slice(max(at[0] - margin, 0), at[-1] + margin + 1) for at in (rows, columns))
            yield (place[0], place[1]), mask[place]


def _plane(inverse: Map, u: Map, v: Map, mask: Mask, side: int) -> Map:
    """The weighted normal (a, b, c) at every pixel (H, W, 3), fitted to `mask` in a window; 0 where there is none."""
    count = _sums(mask.astype(np.float64), side)
    fits = count >= max(SHARE * side**2, 6)
    count = np.where(fits, count, 1)

    def mean(values: Map) -> Map:
        return _sums(values * mask, side) / count

    mu, mv, mr = mean(u), mean(v), mean(inverse)
    uu, uv, vv = mean(u * u) - mu * mu, mean(u * v) - mu * mv, mean(v * v) - mv * mv
    ur, vr, rr = mean(u * inverse) - mu * mr, mean(v * inverse) - mv * mr, mean(inverse**2) - mr * mr
    determinant = uu * vv - uv * uv
    fits &= determinant > 1e-18
    determinant = np.where(fits, determinant, 1)
    a, b = (vv * ur - uv * vr) / determinant, (uu * vr - uv * ur) / determinant
    residual = np.maximum(rr - a * ur - b * vr, 0) / np.maximum(mr, 1e-6) ** 2
    weight = np.where(fits, 1 / (residual + NOISE**2), 0)
    return _units(np.stack([a, b, mr - a * mu - b * mv], axis=-1)) * weight[..., None]


def _sums(values: Map, side: int) -> Map:
    """Sums over the square windows around all pixels, as if there were zeros outside of the image."""
    for axis in (0, 1):
        around = [(side // 2 + 1, side // 2) if axis == at else (0, 0) for at in (0, 1)]
        running = np.cumsum(np.pad(values, around), axis=axis)
        values = np.take(running, np.arange(side, running.shape[axis]), axis=axis)
        values = values - np.take(running, np.arange(running.shape[axis] - side), axis=axis)
    return values


def _units(vectors: Map) -> Map:
    """The vectors at length 1, zeros as they are."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    units: Map = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return units

"""Where the rays of a camera meet a scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .parts import BALL, BOX, CYLINDER, Floats, Integers, Parts

if TYPE_CHECKING:
    from .camera import Camera

SURFACES = 4
NEAR = 0.05
CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float32)


@dataclass(frozen=True)
class Hits:
    """What P rays meet: the part's index, the depth in metres, the point and the unit normal in room coordinates.

    `face` (P,) is the axis (0, 1, 2) of the part's frame that the surface is flattest along; `slant` (P,) is the cosine
    of the angle between the ray and the normal.
    """

    index: Integers
    depth: Floats
    point: Floats
    normal: Floats
    face: Integers
    slant: Floats


def cast(parts: Parts, extent: Floats, camera: Camera, size: tuple[int, int]) -> Hits:
    """The nearest hits of all pixels in a room [extent[0], extent[1]] whose surfaces are the last four `parts`."""
    axes = camera.axes()
    origin = np.array(camera.position, dtype=np.float32)
    rays = camera.rays(size)
    rays = rays[:, :1] * axes[0] + rays[:, 1:2] * axes[1] + rays[:, 2:] * axes[2]
    count = len(parts.label) - SURFACES

    safe = np.where(np.abs(rays) < 1e-9, np.float32(1e-9), rays)
    exits = (np.where(safe > 0, extent[1], extent[0]) - origin) / safe
    face: Integers = exits.argmin(axis=1)
    depth = np.take_along_axis(exits, face[:, None], axis=1)[:, 0]
    index = count + face + ((face == 2) & (safe[:, 2] > 0))

    for pixel, part, distance, axis in _candidates(parts, count, origin, axes, camera.focal(size), safe, size):
        np.minimum.at(depth, pixel, distance)
        nearest = distance == depth[pixel]
        index[pixel[nearest]], face[pixel[nearest]] = part[nearest], axis[nearest]

    point = origin + depth[:, None] * rays
    normal = _normals(parts, index, face, point, rays)
    slant = np.abs(dot(normal, rays)) / np.sqrt(dot(rays, rays))
    return Hits(index, depth, point, normal, face, slant)


def dot(left: Floats, right: Floats) -> Floats:
    """The scalar products (P,) of the rows of two (P, 3); axis by axis, which is faster."""
    product = left * right
    return product[:, 0] + product[:, 1] + product[:, 2]


def _candidates(
    parts: Parts, count: int, origin: Floats, axes: Floats, focal: float, rays: Floats, size: tuple[int, int]
) -> list[tuple[Integers, Integers, Floats, Integers]]:
    """Per shape: the pixels, parts, depths and faces of all ray-part hits, nearest or not."""
    pixel, part = _overlaps(parts, count, origin, axes, focal, size)
    index = np.arange(count)
    start = parts.into(index, origin - parts.centre[:count]) / parts.half[:count]
    found = []
    for shape, intersect in ((BOX, _box), (BALL, _ball), (CYLINDER, _cylinder)):
        chosen = parts.shape[part] == shape
        where, which = pixel[chosen], part[chosen]
        # A ray may be parallel to a face: then its distances are infinite, or NaN, which no comparison takes for a hit.
        with np.errstate(divide="ignore", invalid="ignore"):
            distance, axis = intersect(start[which], parts.into(which, rays[where]) / parts.half[which])
        real = distance > NEAR
        found.append((where[real], which[real], distance[real], axis[real]))
    return found


def _overlaps(
    parts: Parts, count: int, origin: Floats, axes: Floats, focal: float, size: tuple[int, int]
) -> tuple[Integers, Integers]:
    """All pairs (pixel, part) where the pixel lies in the rectangle around the part's image."""
    height, width = size
    index = np.repeat(np.arange(count), 8)
    corners = (CORNERS * parts.half[:count, None]).reshape(-1, 3)
    corners = parts.out_of(index, corners) + parts.centre[index] - origin
    seen = (corners[:, :1] * axes[:, 0] + corners[:, 1:2] * axes[:, 1] + corners[:, 2:] * axes[:, 2]).reshape(-1, 8, 3)
    ahead = np.maximum(seen[..., 1], NEAR)
    column = seen[..., 0] / ahead * focal + width / 2
    row = height / 2 - seen[..., 2] / ahead * focal
    behind = seen[..., 1].min(axis=1) < NEAR
    left = np.where(behind, 0, np.clip(np.floor(column.min(axis=1)), 0, width)).astype(np.intp)
    right = np.where(behind, width, np.clip(np.ceil(column.max(axis=1)), 0, width)).astype(np.intp)
    top = np.where(behind, 0, np.clip(np.floor(row.min(axis=1)), 0, height)).astype(np.intp)
    bottom = np.where(behind, height, np.clip(np.ceil(row.max(axis=1)), 0, height)).astype(np.intp)
    wide = right - left
    pairs = wide * (bottom - top) * (seen[..., 1].max(axis=1) > NEAR)
    part = np.repeat(np.arange(count), pairs)
    step = np.arange(len(part)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    down = step // wide[part]
    return (top[part] + down) * width + left[part] + step - down * wide[part], part


def _box(start: Floats, ray: Floats) -> tuple[Floats, Integers]:
    """Entry into the cube [-1, 1]^3 and the axis it happens along; 0 where the ray misses."""
    middle, spread = -start / ray, np.abs(1 / ray)
    entries = middle - spread
    exits = middle + spread
    # Axis by axis: numpy is slow at reducing an axis of length three.
    face = np.where(entries[:, 1] > entries[:, 0], 1, 0)
    entry = np.maximum(entries[:, 0], entries[:, 1])
    face = np.where(entries[:, 2] > entry, 2, face)
    entry = np.maximum(entry, entries[:, 2])
    leave = np.minimum(np.minimum(exits[:, 0], exits[:, 1]), exits[:, 2])
    return np.where(entry < leave, entry, np.float32(0)), face


def _ball(start: Floats, ray: Floats) -> tuple[Floats, Integers]:
    """Entry into the unit ball; 0 where the ray misses."""
    square, half, rest = dot(ray, ray), dot(ray, start), dot(start, start) - 1
    root = half * half - square * rest
    entry = (-half - np.sqrt(np.maximum(root, 0))) / square
    return np.where(root > 0, entry, np.float32(0)), np.ones(len(ray), dtype=np.intp)


def _cylinder(start: Floats, ray: Floats) -> tuple[Floats, Integers]:
    """Entry into the upright cylinder of radius 1 and |z| <= 1; 0 where the ray misses."""
    square, half = (ray[:, :2] ** 2).sum(axis=1), (ray[:, :2] * start[:, :2]).sum(axis=1)
    root = half * half - square * ((start[:, :2] ** 2).sum(axis=1) - 1)
    spread = np.sqrt(np.maximum(root, 0)) / square
    side = -half / square
    middle, slab = -start[:, 2] / ray[:, 2], np.abs(1 / ray[:, 2])
    entry = np.maximum(side - spread, middle - slab)
    hit = (root > 0) & (entry < np.minimum(side + spread, middle + slab))
    face = np.where(side - spread > middle - slab, 1, 2)
    return np.where(hit, entry, np.float32(0)), face


def _normals(parts: Parts, index: Integers, face: Integers, point: Floats, rays: Floats) -> Floats:
    """Outward unit normals (P, 3) in room coordinates; a room's own surfaces face inwards."""
    local = parts.into(index, point - parts.centre[index])
    shape = parts.shape[index]
    towards = parts.into(index, rays)
    flat = (shape == BOX) | ((shape == CYLINDER) & (face == 2))
    normal = np.where(np.arange(3) == face[:, None], -np.sign(towards), np.float32(0))
    round_ = ~flat
    curved = local[round_] / parts.half[index[round_]] ** 2
    curved[shape[round_] == CYLINDER, 2] = 0
    normal[round_] = curved / np.linalg.norm(curved, axis=1, keepdims=True)
    return parts.out_of(index, normal.astype(np.float32))

"""Light from a lamp, a window and everywhere, with the lamp's shadows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .raycast import SURFACES, Hits, dot

if TYPE_CHECKING:
    from .parts import Floats, Parts, Vector

CASTERS = 14


@dataclass(frozen=True)
class Lamp:
    """A light at a point; `facing` is the unit direction it shines to, or zero if it shines to all sides alike."""

    at: Vector
    facing: Vector
    colour: Vector
    shadows: bool


def irradiance(parts: Parts, hits: Hits, extent: Floats, lamps: tuple[Lamp, ...], ambient: Vector) -> Floats:
    """RGB light (P, 3) that arrives at each hit: ambient light times openness, plus Lambert's law for each lamp."""
    light = np.array(ambient, dtype=np.float32) * _openness(hits, extent)[:, None]
    for lamp in lamps:
        towards = np.array(lamp.at, dtype=np.float32) - hits.point
        square = dot(towards, towards)
        unit = towards / np.sqrt(square)[:, None]
        strength = np.maximum(dot(hits.normal, unit), 0) / (1 + square / 6)
        if any(lamp.facing):
            strength *= np.maximum(-dot(unit, np.array(lamp.facing, dtype=np.float32)), 0)
        if lamp.shadows:
            lit = strength > 0
            points = (hits.point + 0.02 * hits.normal)[lit]
            strength[lit] *= 1 - np.float32(0.8) * _shadow(parts, points, lamp.at)
        light += strength[:, None] * np.array(lamp.colour, dtype=np.float32)
    return light


def _openness(hits: Hits, extent: Floats) -> Floats:
    """How much of the surroundings a point sees, about: it darkens towards the room's edges and the floor."""
    open_ = 0.9 + 0.1 * hits.normal[:, 2]
    for axis in range(3):
        across = np.abs(hits.normal[:, axis]) < 0.7
        gap = np.minimum(hits.point[:, axis] - extent[0, axis], extent[1, axis] - hits.point[:, axis])
        open_ = open_ * (1 - across * np.float32(0.4) * np.exp(-gap / 0.2))
    return open_.astype(np.float32)


def _shadow(parts: Parts, point: Floats, lamp: Vector) -> Floats:
    """1 where one of the scene's largest parts stands between the point (P, 3) and the lamp, else 0."""
    half = parts.half[:-SURFACES]
    area = half[:, 0] * half[:, 1] + half[:, 1] * half[:, 2] + half[:, 0] * half[:, 2]
    dark = np.zeros(len(point), dtype=np.float32)
    columns = np.ascontiguousarray(point.T)
    for part in np.argsort(-area, kind="stable")[:CASTERS]:
        start = columns - parts.centre[part][:, None]
        end = np.array(lamp, dtype=np.float32) - parts.centre[part]
        cosine, sine = parts.turn[part]
        low, high = np.float32(0), np.float32(1)
        turned = (
            (cosine * start[0] + sine * start[1], cosine * end[0] + sine * end[1]),
            (cosine * start[1] - sine * start[0], cosine * end[1] - sine * end[0]),
            (start[2], end[2]),
        )
        for (begin, stop), reach in zip(turned, half[part], strict=True):
            inverse = 1 / (stop - begin + np.float32(1e-7))
            middle, spread = -begin * inverse, np.abs(reach * inverse)
            low, high = np.maximum(low, middle - spread), np.minimum(high, middle + spread)
        dark[low < high] = 1
    return dark

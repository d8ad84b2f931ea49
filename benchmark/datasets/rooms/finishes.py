"""A room's own surfaces, its rug and its lights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .labels import CEILING, FLOOR, WALL
from .lighting import Lamp
from .materials import Material, Texture, between, dimmed, hsv, patterned, plain, wood
from .parts import BOX, Part, Piece, Placed, Vector

if TYPE_CHECKING:
    from numpy.random import Generator

    from .layout import Layout


def rug(rng: Generator, width: float, length: float) -> Placed:
    """A carpet in the middle of the room, a millimetre high, of the floor's class."""
    x, y = between(rng, 0.2, 0.36) * width, between(rng, 0.16, 0.28) * length
    piece = Piece(2 * x, 2 * y, 0.001)
    cloth, edge = _cloth(rng), plain(hsv(rng, (0, 1), (0.1, 0.6), (0.3, 0.9)))
    if rng.random() < 0.65:
        piece.box(FLOOR, (-x, -y, -0.01), (x, y, 0.0005), edge)
        piece.box(FLOOR, (-x + 0.12, -y + 0.12, -0.01), (x - 0.12, y - 0.12, 0.001), cloth)
    return Placed(piece, (between(rng, -0.12, 0.12) * width, between(rng, 0.45, 0.6) * length, 0.0), 0.0)


def _cloth(rng: Generator) -> Material:
    first, second = hsv(rng, (0, 1), (0.1, 0.55), (0.3, 0.8)), hsv(rng, (0, 1), (0.05, 0.5), (0.35, 0.95))
    texture = (Texture.CARPET, Texture.STRIPES, Texture.CHECKER)[int(rng.integers(3))]
    return patterned(rng, texture, between(rng, 0.18, 0.45), first, second)


def surfaces(rng: Generator) -> tuple[Part, Part, Part, Part]:
    """The side walls, the far and near wall, the floor and the ceiling."""
    tint = hsv(rng, (0, 1), (0.02, 0.28), (0.6, 0.95))
    wall = patterned(rng, Texture.PLASTER, 0.5, tint, dimmed(tint, 0.94))
    if rng.random() < 0.25:
        wall = patterned(rng, Texture.STRIPES, between(rng, 0.25, 0.5), tint, dimmed(tint, 0.88))
    far = wall
    if rng.random() < 0.35:
        accent = hsv(rng, (0, 1), (0.1, 0.5), (0.4, 0.85))
        far = patterned(rng, Texture.PLASTER, 0.5, accent, dimmed(accent, 0.92))
    white = hsv(rng, (0, 1), (0.0, 0.08), (0.82, 0.98))
    ceiling = patterned(rng, Texture.PLASTER, 0.8, white, dimmed(white, 0.96))
    materials = (wall, far, _floor(rng), ceiling)
    labels = (WALL, WALL, FLOOR, CEILING)
    surfaces = [Part(BOX, label, (0, 0, 0), (1, 1, 1), m) for label, m in zip(labels, materials, strict=True)]
    return surfaces[0], surfaces[1], surfaces[2], surfaces[3]


def _floor(rng: Generator) -> Material:
    kind = rng.random()
    if kind < 0.5:
        return wood(rng, between(rng, 0.14, 0.24))
    colour = hsv(rng, (0, 1), (0.03, 0.28), (0.35, 0.8))
    if kind < 0.75:
        return patterned(rng, Texture.TILES, between(rng, 0.35, 0.6), colour, dimmed(colour, 0.6))
    return patterned(rng, Texture.CARPET, between(rng, 0.05, 0.12), colour, dimmed(colour, 0.75))


def lamps(rng: Generator, layout: Layout, windows: tuple[Placed, ...]) -> tuple[Lamp, ...]:
    """A ceiling lamp of warm or neutral light that casts shadows, and the daylight of each window."""
    at = (between(rng, -0.25, 0.25) * layout.width, between(rng, 0.25, 0.6) * layout.length, layout.height - 0.25)
    power, warmth = between(rng, 1.0, 1.6), between(rng, 0.72, 1.0)
    lights = [Lamp(at, (0, 0, 0), (power, power * (1 + warmth) / 2, power * warmth), True)]
    for item in windows:
        facing = (math.sin(item.yaw), -math.cos(item.yaw), 0.0)
        day = between(rng, 0.4, 1.1)
        lights.append(Lamp(item.at, facing, (0.92 * day, 0.97 * day, day), False))
    return tuple(lights)


def ambient(rng: Generator) -> Vector:
    """RGB light that arrives from everywhere."""
    level = between(rng, 0.4, 0.62)
    return level, level * between(rng, 0.94, 1.02), level * between(rng, 0.88, 1.06)

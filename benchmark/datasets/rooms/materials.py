"""What surfaces are made of: a pattern and three colours, drawn per instance from overlapping palettes."""

from __future__ import annotations

import colorsys
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from numpy.random import Generator

Colour = tuple[float, float, float]


class Texture(IntEnum):
    """The pattern on a surface; `textures.py` draws them."""

    PLAIN = 0
    WOOD = 1
    CARPET = 2
    STRIPES = 3
    TILES = 4
    CHECKER = 5
    SKY = 6
    PAINTING = 7
    SCREEN = 8
    PLASTER = 9


class Material(NamedTuple):
    """A pattern of period `scale` metres that blends `first`, `second` and `third`, RGB in [0, 1] as displayed.

    `emission` in [0, 1] is the share of the colour that needs no light; `phase` tells instances apart.
    """

    texture: Texture
    scale: float
    first: Colour
    second: Colour
    third: Colour
    emission: float = 0.0
    phase: float = 0.0


def between(rng: Generator, low: float, high: float) -> float:
    """Uniform on [low, high)."""
    return low + (high - low) * float(rng.random())


def hsv(
    rng: Generator, hue: tuple[float, float], saturation: tuple[float, float], value: tuple[float, float]
) -> Colour:
    """A colour with each HSV coordinate uniform on its range; hues wrap at 1."""
    return colorsys.hsv_to_rgb(between(rng, *hue) % 1.0, between(rng, *saturation), between(rng, *value))


def dimmed(colour: Colour, factor: float) -> Colour:
    """The colour times `factor`, at most 1."""
    red, green, blue = colour
    return min(red * factor, 1.0), min(green * factor, 1.0), min(blue * factor, 1.0)


def plain(colour: Colour, emission: float = 0.0) -> Material:
    """One colour."""
    return Material(Texture.PLAIN, 1.0, colour, colour, colour, emission)


def patterned(rng: Generator, texture: Texture, scale: float, *colours: Colour) -> Material:
    """A pattern of two or three colours with a random phase."""
    return Material(texture, scale, colours[0], colours[1], colours[-1], 0.0, between(rng, 0, 50))


def wood(rng: Generator, scale: float = 0.12) -> Material:
    """Boards `scale` metres wide, from pale pine to dark walnut; one piece in four is painted."""
    if rng.random() < 0.25:
        return paint(rng)
    colour = hsv(rng, (0.04, 0.11), (0.25, 0.65), (0.3, 0.85))
    return patterned(rng, Texture.WOOD, scale, colour, dimmed(colour, 0.72))


def paint(rng: Generator) -> Material:
    """A plain colour, mostly light."""
    return plain(hsv(rng, (0, 1), (0.0, 0.35), (0.4, 0.95)))


def fabric(rng: Generator) -> Material:
    """Woven, striped or checked cloth of any hue."""
    colour = hsv(rng, (0, 1), (0.1, 0.6), (0.25, 0.85))
    other = hsv(rng, (0, 1), (0.05, 0.5), (0.3, 0.95))
    kind = rng.random()
    if kind < 0.6:
        return patterned(rng, Texture.CARPET, 0.06, colour, dimmed(colour, 0.8))
    return patterned(rng, Texture.STRIPES if kind < 0.8 else Texture.CHECKER, between(rng, 0.2, 0.4), colour, other)

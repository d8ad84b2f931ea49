"""Things on walls: pictures, windows and televisions; each has its back at y = 0 and its own height on the wall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .labels import PICTURE, WINDOW
from .materials import Material, Texture, between, hsv, patterned, plain
from .ornaments import television
from .parts import Piece

if TYPE_CHECKING:
    from numpy.random import Generator


def picture(rng: Generator) -> Piece:
    """A frame with a mat and a painted canvas."""
    width, height = between(rng, 0.6, 1.15), between(rng, 0.55, 0.95)
    x, z, bar = width / 2, height / 2, between(rng, 0.04, 0.07)
    mat = bar + between(rng, 0.05, 0.1)
    piece = Piece(width, 0.05, height)
    frame = plain(hsv(rng, (0.04, 0.14), (0.1, 0.7), (0.12, 0.85)))
    paper = plain(hsv(rng, (0.08, 0.16), (0, 0.15), (0.82, 0.97)))
    hue = between(rng, 0, 1)
    colours = [hsv(rng, (hue + shift, hue + shift + 0.2), (0.3, 0.85), (0.3, 0.95)) for shift in (0, 0.2, 0.5)]
    canvas = patterned(rng, Texture.PAINTING, 1.0, *colours)
    piece.box(PICTURE, (-x, -0.04, -z), (x, 0, z), frame)
    piece.box(PICTURE, (-x + bar, -0.043, -z + bar), (x - bar, -0.04, z - bar), paper)
    piece.box(PICTURE, (-x + mat, -0.046, -z + mat), (x - mat, -0.043, z - mat), canvas)
    return piece


def window(rng: Generator) -> Piece:
    """A bright pane behind a frame with mullions, over a sill."""
    width, height = between(rng, 1.0, 1.7), between(rng, 1.05, 1.4)
    x, z, bar = width / 2, height / 2, 0.06
    piece = Piece(width + 0.1, 0.12, height)
    frame = plain(hsv(rng, (0.05, 0.12), (0, 0.25), (0.55, 0.97)))
    piece.box(WINDOW, (-x, -0.02, -z), (x, 0, z), _sky(rng))
    for left in (-x, x - bar):
        piece.box(WINDOW, (left, -0.05, -z), (left + bar, 0, z), frame)
    for low in (-z, z - bar):
        piece.box(WINDOW, (-x, -0.05, low), (x, 0, low + bar), frame)
    panes = 2 if width < 1.3 else 3
    for i in range(1, panes):
        middle = -x + i * width / panes
        piece.box(WINDOW, (middle - 0.03, -0.045, -z), (middle + 0.03, 0, z), frame)
    cross = z * between(rng, 0.0, 0.4)
    piece.box(WINDOW, (-x, -0.045, cross - 0.03), (x, 0, cross + 0.03), frame)
    piece.box(WINDOW, (-x - 0.05, -0.12, -z - 0.05), (x + 0.05, 0, -z), frame)
    return piece


def screen(rng: Generator) -> Piece:
    """A television on the wall."""
    set_ = television(rng, hung=True)
    piece = Piece(set_.width, set_.depth, set_.height)
    piece.put(set_, 0, -0.04, -set_.height / 2)
    return piece


def _sky(rng: Generator) -> Material:
    horizon = hsv(rng, (0.5, 0.62), (0.02, 0.2), (0.92, 1.0))
    zenith = hsv(rng, (0.53, 0.63), (0.25, 0.65), (0.75, 1.0))
    hills = hsv(rng, (0.2, 0.42), (0.2, 0.5), (0.35, 0.65))
    return patterned(rng, Texture.SKY, 1.0, horizon, zenith, hills)._replace(emission=0.85)

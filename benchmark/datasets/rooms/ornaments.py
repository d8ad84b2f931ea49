"""Small things: books, lamps, vases, plants, balls, boxes and television sets on a foot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .labels import BOOKS, OBJECTS, TV
from .materials import Material, Texture, between, dimmed, fabric, hsv, patterned, plain
from .parts import Piece

if TYPE_CHECKING:
    from numpy.random import Generator


def book_row(rng: Generator, length: float, tallest: float) -> Piece:
    """Upright books of varied height and thickness side by side, centred on x = 0."""
    piece = Piece(length, 0.2, tallest)
    left = -length / 2
    while left < length / 2 - 0.05:
        thick = min(between(rng, 0.05, 0.11), length / 2 - left)
        spine, pages = hsv(rng, (0, 1), (0.1, 0.75), (0.2, 0.9)), between(rng, 0.17, 0.22)
        cover = Material(Texture.STRIPES, 0.4, spine, spine, spine)
        piece.box(BOOKS, (left, -pages / 2, 0), (left + thick - 0.006, 0.1, tallest * between(rng, 0.68, 1.0)), cover)
        left += thick
    return piece


def book_pile(rng: Generator) -> Piece:
    """Three to six large books on top of each other."""
    piece = Piece(0.36, 0.28, 0.3)
    low = 0.0
    for _ in range(int(rng.integers(3, 7))):
        thick, x, y = between(rng, 0.04, 0.065), between(rng, 0.15, 0.19), between(rng, 0.11, 0.14)
        shift = between(rng, -0.03, 0.03)
        cover = plain(hsv(rng, (0, 1), (0.1, 0.75), (0.2, 0.9)))
        piece.box(BOOKS, (shift - x, -y, low), (shift + x, y, low + thick - 0.006), cover)
        low += thick
    return piece


def floor_lamp(rng: Generator) -> Piece:
    """A pole with a glowing shade."""
    height = between(rng, 1.4, 1.7)
    piece = Piece(0.4, 0.4, height)
    pole = plain(hsv(rng, (0.05, 0.15), (0, 0.4), (0.1, 0.7)))
    piece.cylinder(OBJECTS, (0, 0, 0), 0.15, 0.03, pole)
    piece.cylinder(OBJECTS, (0, 0, 0.03), 0.03, height - 0.3, pole)
    piece.cylinder(OBJECTS, (0, 0, height - 0.32), between(rng, 0.16, 0.23), 0.32, _shade(rng))
    return piece


def table_lamp(rng: Generator) -> Piece:
    """A bulbous foot under a glowing shade."""
    piece = Piece(0.3, 0.3, 0.45)
    piece.ball(OBJECTS, (0, 0, 0.12), (0.09, 0.09, 0.12), _glaze(rng))
    piece.cylinder(OBJECTS, (0, 0, 0.23), between(rng, 0.12, 0.16), between(rng, 0.18, 0.24), _shade(rng))
    return piece


def vase(rng: Generator) -> Piece:
    """A belly with a neck."""
    wide, high = between(rng, 0.09, 0.14), between(rng, 0.1, 0.17)
    piece = Piece(2 * wide, 2 * wide, 3 * high)
    glaze = _glaze(rng)
    piece.ball(OBJECTS, (0, 0, high), (wide, wide, high), glaze)
    piece.cylinder(OBJECTS, (0, 0, 1.7 * high), 0.45 * wide, 0.9 * high, glaze)
    return piece


def plant(rng: Generator) -> Piece:
    """A pot with a crown of leaves."""
    radius, pot, crown = between(rng, 0.13, 0.18), between(rng, 0.24, 0.36), between(rng, 0.24, 0.4)
    piece = Piece(2 * crown, 2 * crown, pot + 2.4 * crown)
    piece.cylinder(OBJECTS, (0, 0, 0), radius, pot, _glaze(rng))
    leaf = hsv(rng, (0.2, 0.4), (0.35, 0.7), (0.25, 0.6))
    for _ in range(4):
        x, y, z = between(rng, -0.4, 0.4) * crown, between(rng, -0.4, 0.4) * crown, between(rng, 0.5, 1.5) * crown
        size = crown * between(rng, 0.5, 0.75)
        green = patterned(rng, Texture.CARPET, 0.07, dimmed(leaf, between(rng, 0.8, 1.4)), dimmed(leaf, 0.5))
        piece.ball(OBJECTS, (x, y, pot + z), (size, size, size), green)
    return piece


def ball(rng: Generator) -> Piece:
    """A striped or plain ball."""
    radius = between(rng, 0.12, 0.24)
    piece = Piece(2 * radius, 2 * radius, 2 * radius)
    first, second = hsv(rng, (0, 1), (0.4, 0.8), (0.5, 0.95)), hsv(rng, (0, 1), (0, 0.4), (0.7, 0.97))
    piece.ball(OBJECTS, (0, 0, radius), (radius,) * 3, patterned(rng, Texture.STRIPES, radius, first, second))
    return piece


def crate(rng: Generator) -> Piece:
    """A cardboard box, or one of cloth."""
    x, y, z = between(rng, 0.12, 0.24), between(rng, 0.12, 0.2), between(rng, 0.2, 0.36)
    piece = Piece(2 * x, 2 * y, z)
    card = plain(hsv(rng, (0.06, 0.1), (0.3, 0.5), (0.5, 0.8))) if rng.random() < 0.6 else fabric(rng)
    piece.box(OBJECTS, (-x, -y, 0), (x, y, z), card)
    piece.box(OBJECTS, (-x - 0.012, -y - 0.012, 0.75 * z), (x + 0.012, y + 0.012, z), _dimmer(card))
    return piece


def bin_(rng: Generator) -> Piece:
    """A waste-paper basket."""
    radius, height = between(rng, 0.13, 0.18), between(rng, 0.28, 0.4)
    piece = Piece(2 * radius, 2 * radius, height)
    body = _glaze(rng)
    piece.cylinder(OBJECTS, (0, 0, 0), radius, height, body)
    piece.cylinder(OBJECTS, (0, 0, height), radius + 0.012, 0.03, _dimmer(body))
    return piece


def television(rng: Generator, hung: bool) -> Piece:
    """A wide, flat panel with a dark bezel and a glossy or glowing screen; on a foot unless `hung`."""
    width = between(rng, 1.1, 1.55)
    height = width * 0.58
    x, low = width / 2, 0.0 if hung else 0.08
    piece = Piece(width, 0.08, height + low)
    dark = between(rng, 0.03, 0.14)
    bezel = plain((dark, dark, dark * 1.05))
    screen = hsv(rng, (0.5, 0.7), (0.1, 0.4), (0.1, 0.22))
    face = patterned(rng, Texture.SCREEN, 1.0, screen, dimmed(screen, 2.8))
    if rng.random() < 0.3:
        bright = hsv(rng, (0, 1), (0.3, 0.8), (0.4, 0.8))
        face = patterned(rng, Texture.SCREEN, 1.0, bright, dimmed(bright, 1.6))._replace(emission=0.6)
    piece.box(TV, (-x, -0.03, low), (x, 0.04, low + height), bezel)
    piece.box(TV, (-x + 0.05, -0.036, low + 0.06), (x - 0.05, -0.03, low + height - 0.05), face)
    if not hung:
        piece.box(TV, (-0.06, 0, 0.02), (0.06, 0.03, low), bezel)
        piece.box(TV, (-0.25, -0.1, 0), (0.25, 0.1, 0.025), bezel)
    return piece


SMALL = (table_lamp, vase, crate, ball)
LARGE = (floor_lamp, plant, plant, ball, crate, bin_)


def _glaze(rng: Generator) -> Material:
    return plain(hsv(rng, (0, 1), (0.1, 0.7), (0.3, 0.95)))


def _shade(rng: Generator) -> Material:
    return plain(hsv(rng, (0.08, 0.16), (0.05, 0.4), (0.85, 1.0)), emission=0.7)


def _dimmer(material: Material) -> Material:
    return material._replace(first=dimmed(material.first, 0.75), second=dimmed(material.second, 0.75))

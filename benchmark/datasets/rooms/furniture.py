"""Beds, sofas, chairs, tables, cabinets and shelves, each from a random generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .labels import BED, CHAIR, FURNITURE, SOFA, TABLE
from .materials import between, dimmed, fabric, hsv, paint, plain, wood
from .ornaments import book_row
from .parts import Piece, Top

if TYPE_CHECKING:
    from numpy.random import Generator


def bed(rng: Generator) -> Piece:
    """A low frame with mattress, blanket, pillows and a headboard."""
    width, depth, height = between(rng, 1.1, 1.8), between(rng, 1.9, 2.1), between(rng, 0.8, 1.15)
    x, y = width / 2, depth / 2
    piece = Piece(width, depth, height)
    frame, sheet = wood(rng), plain(hsv(rng, (0, 1), (0, 0.12), (0.8, 0.97)))
    piece.box(BED, (-x, -y, 0.06), (x, y, 0.3), frame)
    piece.box(BED, (-x, y - 0.07, 0), (x, y, height), frame)
    piece.box(BED, (-x + 0.04, -y + 0.04, 0.3), (x - 0.04, y - 0.07, 0.5), sheet)
    piece.box(BED, (-x - 0.01, -y - 0.01, 0.2), (x + 0.01, y - between(rng, 0.6, 0.8), 0.54), fabric(rng))
    count = 1 if width < 1.35 else 2
    pillow = plain(hsv(rng, (0, 1), (0, 0.3), (0.7, 0.97)))
    for i in range(count):
        middle = (2 * i + 1 - count) * width / 4
        piece.ball(BED, (middle, y - 0.32, 0.56), (0.75 * width / count / 2, 0.2, 0.11), pillow)
    return piece


def sofa(rng: Generator) -> Piece:
    """A seat of two or three cushions between two arms, before a back."""
    seats = 2 if rng.random() < 0.5 else 3
    width, depth, height = 0.35 + seats * between(rng, 0.52, 0.65), between(rng, 0.8, 0.95), between(rng, 0.72, 0.9)
    x, y, arm = width / 2, depth / 2, between(rng, 0.14, 0.2)
    piece = Piece(width, depth, height)
    cloth = fabric(rng)
    cushion = cloth._replace(first=dimmed(cloth.first, 1.15), second=dimmed(cloth.second, 1.15))
    piece.box(SOFA, (-x, -y, 0.07), (x, y, 0.26), cloth)
    piece.box(SOFA, (-x, y - 0.2, 0.26), (x, y, height), cloth)
    each = (width - 2 * arm) / seats
    rest = between(rng, 0.56, 0.64)
    for left in (-x, x - arm):
        piece.box(SOFA, (left, -y, 0.26), (left + arm, y, rest), cloth)
    for i in range(seats):
        left = -x + arm + i * each
        piece.box(SOFA, (left + 0.012, -y - 0.02, 0.26), (left + each - 0.012, y - 0.2, 0.42), cushion)
        piece.box(SOFA, (left + 0.02, y - 0.33, 0.42), (left + each - 0.02, y - 0.2, height - 0.08), cushion)
    return piece


def chair(rng: Generator) -> Piece:
    """A seat on four legs with a slatted or solid back."""
    width, depth, seat = between(rng, 0.44, 0.54), between(rng, 0.44, 0.52), between(rng, 0.44, 0.5)
    height = between(rng, 0.88, 1.08)
    x, y, leg = width / 2, depth / 2, 0.045
    piece = Piece(width, depth, height)
    frame = wood(rng)
    piece.box(CHAIR, (-x, -y, seat - 0.06), (x, y, seat), fabric(rng) if rng.random() < 0.5 else frame)
    for left in (-x, x - leg):
        piece.box(CHAIR, (left, -y, 0), (left + leg, -y + leg, seat), frame)
        piece.box(CHAIR, (left, y - leg, 0), (left + leg, y, height), frame)
    if rng.random() < 0.5:
        piece.box(CHAIR, (-x, y - leg, seat + 0.12), (x, y, height), frame)
    else:
        for middle in (0.35, 0.65, 0.93):
            z = seat + middle * (height - seat)
            piece.box(CHAIR, (-x, y - leg, z - 0.045), (x, y, z + 0.045), frame)
    return piece


def table(rng: Generator, low: bool) -> Piece:
    """A rectangular top on four legs, or a round one on a foot; coffee-table height if `low`."""
    height = between(rng, 0.38, 0.48) if low else between(rng, 0.7, 0.78)
    width, depth = between(rng, 1.0, 1.6), between(rng, 0.65, 0.9)
    top, legs = wood(rng), wood(rng)
    if rng.random() < 0.25:
        radius = between(rng, 0.42, 0.55)
        piece = Piece(2 * radius, 2 * radius, height, tops=[Top(0, height, (radius * 0.6, radius * 0.6))])
        piece.cylinder(TABLE, (0, 0, height - 0.06), radius, 0.06, top)
        piece.cylinder(TABLE, (0, 0, 0.03), 0.07, height - 0.09, legs)
        piece.cylinder(TABLE, (0, 0, 0), 0.28, 0.04, legs)
        return piece
    x, y, leg = width / 2, depth / 2, between(rng, 0.06, 0.09)
    piece = Piece(width, depth, height, tops=[Top(0, height, (x - 0.15, y - 0.12))])
    piece.box(TABLE, (-x, -y, height - 0.07), (x, y, height), top)
    for left in (-x + 0.03, x - leg - 0.03):
        for front in (-y + 0.03, y - leg - 0.03):
            piece.box(TABLE, (left, front, 0), (left + leg, front + leg, height - 0.07), legs)
    return piece


def cabinet(rng: Generator, height: float, width: float, depth: float) -> Piece:
    """A body with rows of doors or drawers, each with a knob."""
    piece = Piece(width, depth, height, tops=[Top(0, height, (width / 2 - 0.15, depth / 2 - 0.1))])
    x, y = width / 2, depth / 2
    body = wood(rng)
    front = body._replace(first=dimmed(body.first, 1.18), second=dimmed(body.second, 1.18))
    if rng.random() < 0.3:
        front = paint(rng)
    knob = plain(hsv(rng, (0.05, 0.15), (0, 0.5), (0.15, 0.9)))
    piece.box(FURNITURE, (-x, -y + 0.03, 0.05), (x, y, height), body)
    piece.box(FURNITURE, (-x + 0.04, -y + 0.06, 0), (x - 0.04, y, 0.05), plain(dimmed(body.first, 0.4)))
    columns = max(1, round(width / between(rng, 0.4, 0.6)))
    rows = 1 if height > 1.3 or rng.random() < 0.4 else max(2, round((height - 0.1) / 0.25))
    wide, tall = width / columns, (height - 0.09) / rows
    for i in range(columns):
        for j in range(rows):
            left, low = -x + i * wide, 0.07 + j * tall
            piece.box(
                FURNITURE,
                (left + 0.02, -y + 0.01, low + 0.02),
                (left + wide - 0.02, -y + 0.03, low + tall - 0.02),
                front,
            )
            across = wide / 2 if rows > 1 else (wide - 0.08 if i % 2 == 0 else 0.08)
            piece.ball(FURNITURE, (left + across, -y, low + tall / 2), (0.03, 0.03, 0.03), knob)
    return piece


def bookcase(rng: Generator) -> Piece:
    """An open case whose shelves are mostly full of books."""
    width, depth = between(rng, 0.9, 1.4), between(rng, 0.28, 0.36)
    shelves = int(rng.integers(2, 6))
    pitch = between(rng, 0.34, 0.4)
    height = shelves * pitch + 0.1
    x, y = width / 2, depth / 2
    piece = Piece(width, depth, height, tops=[Top(0, height, (x - 0.15, y - 0.1))])
    body = wood(rng)
    piece.box(FURNITURE, (-x, y - 0.03, 0), (x, y, height), body._replace(first=dimmed(body.first, 0.6)))
    for left in (-x, x - 0.04):
        piece.box(FURNITURE, (left, -y, 0), (left + 0.04, y - 0.03, height), body)
    for i in range(shelves + 1):
        low = 0.04 + i * pitch
        piece.box(FURNITURE, (-x + 0.04, -y, low), (x - 0.04, y - 0.03, low + 0.04), body)
        if i < shelves and rng.random() < 0.88:
            length = (width - 0.1) * between(rng, 0.65, 1.0)
            left = between(rng, -x + 0.05, x - 0.05 - length)
            piece.put(book_row(rng, length, pitch - 0.07), left + length / 2, -0.02, low + 0.04)
    return piece


def sideboard(rng: Generator) -> Piece:
    """A low, wide cabinet."""
    return cabinet(rng, between(rng, 0.5, 0.8), between(rng, 1.0, 1.6), between(rng, 0.38, 0.48))


def wardrobe(rng: Generator) -> Piece:
    """A tall cabinet."""
    return cabinet(rng, between(rng, 1.7, 2.05), between(rng, 0.8, 1.4), between(rng, 0.5, 0.6))


def nightstand(rng: Generator) -> Piece:
    """A small cabinet."""
    return cabinet(rng, between(rng, 0.45, 0.6), between(rng, 0.42, 0.55), between(rng, 0.38, 0.45))

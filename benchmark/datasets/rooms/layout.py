"""Where pieces can stand and hang in a room so that the camera sees them and nothing overlaps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .materials import between
from .parts import Piece, Placed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

    from .camera import Camera

TRIES = 14
TALL = 1.0


@dataclass
class Wall:
    """One wall in view: its turn `yaw` for things with their back to it, and the rectangles (a0, a1, z0, z1) in use.

    `along` is the coordinate on the wall, from -`reach` to `reach`.
    """

    yaw: float
    reach: float
    at: Callable[[float], tuple[float, float]]
    used: list[tuple[float, float, float, float]] = field(default_factory=list)

    def free(self, along: float, width: float, low: float, high: float) -> bool:
        """Whether the rectangle around `along`, with a little margin, is on the wall and meets no other."""
        left, right = along - width / 2 - 0.06, along + width / 2 + 0.06
        if max(-left, right) > self.reach:
            return False
        return all(right < a0 or left > a1 or high < z0 or low > z1 for a0, a1, z0, z1 in self.used)

    def take(self, along: float, width: float, low: float, high: float) -> None:
        """Mark the rectangle as used."""
        self.used.append((along - width / 2, along + width / 2, low, high))


class Layout:
    """A room `width` x `length` x `height` metres, x from -width/2, y and z from 0, that fills up piece by piece."""

    def __init__(self, rng: Generator, camera: Camera, width: float, length: float, height: float) -> None:
        self.rng, self.camera = rng, camera
        self.width, self.length, self.height = width, length, height
        self.standing: list[Placed] = []
        self.hanging: list[Placed] = []
        self.walls = (
            Wall(0.0, width / 2, lambda along: (along, length)),
            Wall(-math.pi / 2, length / 2, lambda along: (width / 2, length / 2 - along)),
            Wall(math.pi / 2, length / 2, lambda along: (-width / 2, length / 2 + along)),
        )

    def hang(self, piece: Piece, low: float, high: float) -> bool:
        """Hang a piece on a wall with its middle between `low` and `high` metres; False if no place was found."""
        for _ in range(TRIES):
            wall, along, z = self._spot(), 0.0, between(self.rng, low, high)
            along = between(self.rng, -wall.reach, wall.reach)
            bottom, top = z - piece.height / 2, z + piece.height / 2
            x, y = wall.at(along)
            if top < self.height - 0.1 and self._in_view(x, y, 1.2) and wall.free(along, piece.width, bottom, top):
                wall.take(along, piece.width, bottom, top)
                self.hanging.append(Placed(piece, (x, y, z), wall.yaw))
                return True
        return False

    def against_wall(self, piece: Piece) -> Placed | None:
        """Stand a piece with its back to a wall; None if no place was found."""
        for _ in range(TRIES):
            wall = self._spot()
            along = between(self.rng, -wall.reach, wall.reach)
            x, y = wall.at(along)
            back = piece.depth / 2 + 0.03
            placed = Placed(piece, (x + back * math.sin(wall.yaw), y - back * math.cos(wall.yaw), 0.0), wall.yaw)
            if wall.free(along, piece.width, 0, piece.height) and self.stand(placed):
                wall.take(along, piece.width, 0, piece.height)
                return placed
        return None

    def freely(self, piece: Piece, yaw: float | None = None) -> Placed | None:
        """Stand a piece anywhere, turned by `yaw` or by anything; None if no place was found."""
        for _ in range(TRIES):
            turn = between(self.rng, -math.pi, math.pi) if yaw is None else yaw
            x, y = between(self.rng, -self.width / 2, self.width / 2), between(self.rng, 1.2, self.length)
            placed = Placed(piece, (x, y, 0.0), turn)
            if self.stand(placed):
                return placed
        return None

    def stand(self, placed: Placed, beside: Placed | None = None) -> bool:
        """Stand a piece where it is if it is in view, inside the room and clear of all others but `beside`."""
        x0, y0, x1, y1 = placed.footprint()
        x, y, _ = placed.at
        if x0 < -self.width / 2 or x1 > self.width / 2 or y1 > self.length or y0 < 0:
            return False
        if not self._in_view(x, y, 2.6 if placed.piece.height > TALL else 1.5):
            return False
        eye_x, eye_y, _ = self.camera.position
        if x0 - 0.6 < eye_x < x1 + 0.6 and y0 - 0.6 < eye_y < y1 + 0.6:
            return False
        for other in self.standing:
            if other is beside:
                continue
            a0, b0, a1, b1 = other.footprint()
            if x0 - 0.05 < a1 and x1 + 0.05 > a0 and y0 - 0.05 < b1 and y1 + 0.05 > b0:
                return False
        self.standing.append(placed)
        return True

    def _in_view(self, x: float, y: float, near: float) -> bool:
        return self.camera.sees(x, y, near, 0.07)

    def _spot(self) -> Wall:
        chance = self.rng.random()
        return self.walls[0 if chance < 0.56 else 1 if chance < 0.78 else 2]

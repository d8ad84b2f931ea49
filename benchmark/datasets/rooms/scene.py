"""Whole rooms: what stands in them, what they are made of, how they are lit and where the camera is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import hangings, ornaments
from .arrangements import ROOMS
from .camera import Camera
from .finishes import ambient, lamps, rug, surfaces
from .labels import BED, CHAIR, FURNITURE, SOFA, TABLE
from .layout import Layout
from .materials import between
from .parts import assemble
from .raycast import cast

if TYPE_CHECKING:
    from numpy.random import Generator

    from .lighting import Lamp
    from .parts import Floats, Parts, Vector

FURNISHING = (BED, CHAIR, FURNITURE, SOFA, TABLE)
FEWEST, MOST = 3, 9
ATTEMPTS = 20
GLANCE = (32, 32)
"""The size at which pieces in view are counted: always the same, so that the scene does not depend on the image's."""
WINDOWS = (0, 1, 1, 1, 1, 2)
"""Numbers of windows, equally likely."""


@dataclass(frozen=True)
class Scene:
    """A room from `extent[0]` to `extent[1]` (2, 3), metres, with its parts, lights and camera.

    `furnishing` names the placed pieces (`parts.owner`) that are furniture.
    """

    parts: Parts
    extent: Floats
    camera: Camera
    lamps: tuple[Lamp, ...]
    ambient: Vector
    furnishing: tuple[int, ...]

    def in_view(self) -> int:
        """The number of pieces of furniture that fill half a percent of the image or more each."""
        seen = self.parts.owner[cast(self.parts, self.extent, self.camera, GLANCE).index]
        pixels = np.bincount(seen + 1, minlength=2)[1:]
        return sum(bool(pixels[piece] >= 5) for piece in self.furnishing if piece < len(pixels))


def compose(rng: Generator) -> Scene:
    """A scene with 3 to 9 pieces of furniture in view; crowded or empty drafts are drawn again."""
    for _ in range(ATTEMPTS):
        scene = _draft(rng)
        if FEWEST <= scene.in_view() <= MOST:
            return scene
    raise RuntimeError(f"no room with {FEWEST} to {MOST} pieces in view in {ATTEMPTS} drafts")


def _draft(rng: Generator) -> Scene:
    width, length, height = between(rng, 3.2, 5.2), between(rng, 3.8, 6.0), between(rng, 2.35, 2.8)
    eye = (between(rng, -0.3, 0.3) * width, between(rng, 0.15, 0.4), between(rng, 1.1, 1.75))
    yaw = math.atan2(eye[0] - between(rng, -0.3, 0.3) * width, length - eye[1])
    pitch = -between(rng, 0.07, 0.14) - 0.16 * (eye[2] - 1.1) / 0.65
    camera = Camera(eye, yaw, pitch, between(rng, -0.04, 0.04))
    layout = Layout(rng, camera, width, length, height)
    for _ in range(WINDOWS[int(rng.integers(len(WINDOWS)))]):
        layout.hang(hangings.window(rng), 1.45, 1.65)
    windows = tuple(layout.hanging)
    ROOMS[int(rng.integers(len(ROOMS)))](rng, layout)
    for _ in range(3):
        layout.hang(hangings.picture(rng), 1.45, 1.75)
    for _ in range(int(rng.integers(2, 4))):
        layout.freely(ornaments.LARGE[int(rng.integers(len(ornaments.LARGE)))](rng))
    placed = (*layout.standing, *layout.hanging)
    extent = np.array([[-width / 2, 0, 0], [width / 2, length, height]], dtype=np.float32)
    carpet = rug(rng, width, length)
    furnishing = tuple(i for i, item in enumerate(placed) if item.piece.parts[0].label in FURNISHING)
    parts = assemble((*placed, carpet), surfaces(rng))
    return Scene(parts, extent, camera, lamps(rng, layout, windows), ambient(rng), furnishing)

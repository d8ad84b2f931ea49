"""A pinhole camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .parts import Floats, Vector

FIELD_OF_VIEW = math.radians(60)


@dataclass(frozen=True)
class Camera:
    """A camera at `position` (room coordinates, metres) that sees 60 degrees along the image's longer side.

    `yaw` turns it to the left, `pitch` upwards, `roll` clockwise, in radians; at zero it looks along +y.
    """

    position: Vector
    yaw: float
    pitch: float
    roll: float

    def axes(self) -> Floats:
        """(3, 3): the camera's right, forward and up directions in room coordinates, one per row."""
        cosine, sine = math.cos(self.yaw), math.sin(self.yaw)
        right, forward = np.array([cosine, sine, 0.0]), np.array([-sine, cosine, 0.0])
        up = np.array([0.0, 0.0, 1.0])
        cosine, sine = math.cos(self.pitch), math.sin(self.pitch)
        forward, up = cosine * forward + sine * up, cosine * up - sine * forward
        cosine, sine = math.cos(self.roll), math.sin(self.roll)
        right, up = cosine * right - sine * up, cosine * up + sine * right
        return np.stack([right, forward, up]).astype(np.float32)

    def focal(self, size: tuple[int, int]) -> float:
        """The focal length in pixels."""
        return 0.5 * max(size) / math.tan(FIELD_OF_VIEW / 2)

    def rays(self, size: tuple[int, int]) -> Floats:
        """(H W, 3): a ray per pixel centre in camera axes, y = 1, so that a ray's parameter is the depth."""
        height, width = size
        columns = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / self.focal(size)
        rows = (height / 2 - 0.5 - np.arange(height, dtype=np.float32)) / self.focal(size)
        x, z = np.meshgrid(columns, rows)
        return np.stack([x.ravel(), np.ones(height * width), z.ravel()], axis=1).astype(np.float32)

    def sees(self, x: float, y: float, near: float, margin: float) -> bool:
        """Whether the room's (x, y) lies `near` metres ahead and `margin` radians inside the view, in plan."""
        right, forward = x - self.position[0], y - self.position[1]
        cosine, sine = math.cos(self.yaw), math.sin(self.yaw)
        ahead, aside = forward * cosine - right * sine, right * cosine + forward * sine
        return ahead > near and abs(math.atan2(aside, ahead)) < FIELD_OF_VIEW / 2 - margin

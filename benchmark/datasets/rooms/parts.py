"""Solid shapes, the pieces they make up, and the arrays that the ray caster reads."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .materials import Material

Vector = tuple[float, float, float]
# Single precision throughout; numpy's stubs lose sight of it in mixed arithmetic.
Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.intp]

BOX, BALL, CYLINDER = range(3)


class Part(NamedTuple):
    """A box, an ellipsoid or an upright cylinder with `half` extents around `centre`, in metres."""

    shape: int
    label: int
    centre: Vector
    half: Vector
    material: Material


class Top(NamedTuple):
    """A free horizontal surface: `half` extents around (0, y) at height z of its piece."""

    y: float
    z: float
    half: tuple[float, float]


@dataclass
class Piece:
    """Parts in a frame of their own: origin on the floor, x to the right, back towards +y, z up; in metres."""

    width: float
    depth: float
    height: float
    parts: list[Part] = field(default_factory=list)
    tops: list[Top] = field(default_factory=list)

    def box(self, label: int, low: Vector, high: Vector, material: Material) -> None:
        """Add the box with these two opposite corners."""
        self.parts.append(Part(BOX, label, *_middle(low, high), material))

    def ball(self, label: int, centre: Vector, half: Vector, material: Material) -> None:
        """Add an ellipsoid."""
        self.parts.append(Part(BALL, label, centre, half, material))

    def cylinder(self, label: int, low: Vector, radius: float, height: float, material: Material) -> None:
        """Add an upright cylinder that stands on `low`."""
        x, y, z = low
        self.parts.append(Part(CYLINDER, label, (x, y, z + height / 2), (radius, radius, height / 2), material))

    def put(self, other: Piece, x: float, y: float, z: float) -> None:
        """Stand `other` at (x, y, z) of this piece's frame."""
        for part in other.parts:
            centre = (part.centre[0] + x, part.centre[1] + y, part.centre[2] + z)
            self.parts.append(part._replace(centre=centre))


class Placed(NamedTuple):
    """A piece that stands at (x, y, z) of the room, turned by `yaw` radians about the vertical."""

    piece: Piece
    at: Vector
    yaw: float

    def footprint(self) -> tuple[float, float, float, float]:
        """The axis-parallel rectangle (x0, y0, x1, y1) around it."""
        cosine, sine = abs(math.cos(self.yaw)), abs(math.sin(self.yaw))
        half_x = (cosine * self.piece.width + sine * self.piece.depth) / 2
        half_y = (sine * self.piece.width + cosine * self.piece.depth) / 2
        return self.at[0] - half_x, self.at[1] - half_y, self.at[0] + half_x, self.at[1] + half_y


@dataclass(frozen=True)
class Parts:
    """N parts as arrays in room coordinates; `owner` (N,) says which placed piece a part belongs to."""

    shape: Integers
    label: Integers
    owner: Integers
    centre: Floats
    half: Floats
    turn: Floats
    texture: Integers
    scale: Floats
    colours: Floats
    emission: Floats
    phase: Floats

    def into(self, index: Integers, vectors: Floats) -> Floats:
        """`vectors` (P, 3) of the room turned into the frames of the parts `index` (P,)."""
        cosine, sine = self.turn[index, 0], self.turn[index, 1]
        x, y, z = vectors[:, 0], vectors[:, 1], vectors[:, 2]
        return np.stack([cosine * x + sine * y, cosine * y - sine * x, z], axis=1)

    def out_of(self, index: Integers, vectors: Floats) -> Floats:
        """The inverse of `into`."""
        cosine, sine = self.turn[index, 0], self.turn[index, 1]
        x, y, z = vectors[:, 0], vectors[:, 1], vectors[:, 2]
        return np.stack([cosine * x - sine * y, cosine * y + sine * x, z], axis=1)


def assemble(placed: Sequence[Placed], surfaces: Sequence[Part]) -> Parts:
    """The parts of all pieces, followed by the room's own `surfaces` (owner -1), as arrays."""
    rows = [(part, owner) for owner, item in enumerate(placed) for part in item.piece.parts]
    rows += [(part, -1) for part in surfaces]
    parts = [part for part, _ in rows]
    owner = np.array([owner for _, owner in rows], dtype=np.intp)
    poses = [(math.cos(item.yaw), math.sin(item.yaw), *item.at) for item in placed] + [(1.0, 0.0, 0.0, 0.0, 0.0)]
    pose = np.array(poses, dtype=np.float32)[owner]
    centre = np.array([part.centre for part in parts], dtype=np.float32)
    cosine, sine = pose[:, 0], pose[:, 1]
    turned = [cosine * centre[:, 0] - sine * centre[:, 1], sine * centre[:, 0] + cosine * centre[:, 1], centre[:, 2]]
    materials = [part.material for part in parts]
    return Parts(
        shape=np.array([part.shape for part in parts], dtype=np.intp),
        label=np.array([part.label for part in parts], dtype=np.intp),
        owner=owner,
        centre=np.stack(turned, axis=1) + pose[:, 2:],
        half=np.array([part.half for part in parts], dtype=np.float32),
        turn=pose[:, :2],
        texture=np.array([material.texture for material in materials], dtype=np.intp),
        scale=np.array([material.scale for material in materials], dtype=np.float32),
        colours=np.array([material[2:5] for material in materials], dtype=np.float32),
        emission=np.array([material.emission for material in materials], dtype=np.float32),
        phase=np.array([material.phase for material in materials], dtype=np.float32),
    )


def _middle(low: Vector, high: Vector) -> tuple[Vector, Vector]:
    centre = ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (low[2] + high[2]) / 2)
    return centre, ((high[0] - low[0]) / 2, (high[1] - low[1]) / 2, (high[2] - low[2]) / 2)

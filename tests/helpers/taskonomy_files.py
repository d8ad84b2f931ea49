"""Taskonomy's files, written as its makers write them, without a line of the reader."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .nyuv2_files import write_png

H, W = 24, 24
SIZE = (H, W)


@dataclass(frozen=True)
class View:
    """What the files hold: `depth`, `keypoints` and `edges` in 16 bits, `labels` 0..17."""

    rgb: np.ndarray
    labels: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    keypoints: np.ndarray
    edges: np.ndarray

    @property
    def layers(self) -> dict[str, np.ndarray]:
        return {
            "rgb": self.rgb,
            "depth_zbuffer": self.depth,
            "normal": self.normal,
            "keypoints2d": self.keypoints,
            "edge_texture": self.edges,
            "segment_semantic": self.labels,
        }


def view(seed: int) -> View:
    """A wall that fills the view, in noise, with holes in depth and normals, and responses beyond what is mapped."""
    random = np.random.default_rng(seed)
    depth = random.integers(1000, 1100, SIZE).astype(np.uint16)
    normals = np.array([0, 0, -1]) + 0.2 * random.normal(size=(H, W, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    colours = np.rint((normals + 1) * 127.5).astype(np.uint8)
    hole = random.random(SIZE) < 0.1
    depth[hole], colours[hole] = 65535, 128
    labels = np.where(
        random.random(SIZE) < 0.1, 0, np.where(random.random(SIZE) < 0.7, 1, random.integers(2, 18, SIZE))
    )
    return View(
        random.integers(0, 256, (H, W, 3), np.uint8),
        labels.astype(np.uint8),
        depth,
        colours,
        random.integers(0, 1200, SIZE).astype(np.uint16),
        random.integers(0, 11000, SIZE).astype(np.uint16),
    )


def write_view(
    root: Path, building: str, name: str, seed: int, folder="segment_semantic", spelling="segmentsemantic"
) -> None:
    """One view; `building` "" is the flat layout, `folder` and `spelling` those of the labels."""
    for domain, pixels in view(seed).layers.items():
        place, called = (folder, spelling) if domain == "segment_semantic" else (domain, domain)
        write_png(root / place / building / f"{name}_domain_{called}.png", pixels)

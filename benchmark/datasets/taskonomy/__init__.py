"""Taskonomy: photographs of buildings with five tasks (Zamir et al., CVPR 2018, arXiv 1804.08328)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...protocol.tasks.base import Task
from ..disk.dataset import OnDisk
from ..disk.opening import Kept
from ..disk.plausibility import axes_doubt, void_doubt
from ..disk.surface import Pinhole
from .domains import DOMAINS

CAMERA = Pinhole(443.0, 443.0, 255.5, 255.5, (512, 512))
"""One of 60 degrees; each view has its own, and for a doubt this will do."""

TASKONOMY = Kept(
    name="taskonomy",
    tasks=("segmentation", "depth", "normals", "keypoints2d", "edge_texture"),
    splits=("test", "train", "val"),
    formats=(DOMAINS,),
    offered="https://github.com/StanfordVL/taskonomy/tree/master/data",
    doubts=(axes_doubt(), void_doubt()),
    camera=CAMERA,
)


def taskonomy(
    tasks: Mapping[str, Task],
    root: Path | None = None,
    size: tuple[int, int] = (512, 512),
    images: int | None = None,
    split: str = "test",
    format: str | None = None,
) -> OnDisk:
    """Taskonomy from the folder `root`; `split` is "test", "train" or "val", `images` the first so many.

    Segmentation int64 (B, H, W), 17 classes, 255 = uncertain; depth float32 (B, 1, H, W) in metres, 0 = invalid;
    normals float32 (B, 3, H, W), unit, the zero vector = invalid, axes x right, y forward, z up; keypoints2d and
    edge_texture float32 (B, 1, H, W) in [-1, 1]. Each sample is scaled until it covers `size` (height, width) and cut
    at the centre. Raises BadInputError for a task without truth here and for whatever is missing below `root`.
    """
    return TASKONOMY.opened(tasks, root, size, images, split, format)

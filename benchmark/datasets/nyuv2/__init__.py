"""NYUv2: photographs of rooms with classes, depth and surface normals (Silberman et al., ECCV 2012)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...protocol.tasks.base import Task
from ..disk.dataset import OnDisk
from ..disk.opening import Kept
from ..disk.plausibility import axes_doubt, floor_doubt, range_doubt
from ..disk.surface import Pinhole
from .adashare import ADASHARE
from .depth import FURTHEST
from .mtan import MTAN
from .nyud_mt import NYUD_MT
from .official import OFFICIAL

KINECT = Pinhole(518.858, 519.470, 325.582, 253.736, (480, 640))
"""The colour camera, to whose pixels depth is registered (camera_params.m of NYUv2's toolbox)."""

NYUV2 = Kept(
    name="nyuv2",
    tasks=("segmentation", "depth", "normals"),
    splits=("test", "train"),
    formats=(ADASHARE, MTAN, NYUD_MT, OFFICIAL),
    offered="https://cs.nyu.edu/~silberman/datasets/nyu_depth_v2.html (nyu_depth_v2_labeled.mat)",
    doubts=(
        range_doubt("depth", 0.3, FURTHEST, "depth of a room in metres"),
        axes_doubt(),
        floor_doubt({40: 1, 13: 4}),
    ),
    camera=KINECT,
)


def nyuv2(
    tasks: Mapping[str, Task],
    root: Path | None = None,
    size: tuple[int, int] = (480, 640),
    images: int | None = None,
    split: str = "test",
    format: str | None = None,
) -> OnDisk:
    """NYUv2 from the folder `root`, in any of its formats; `split` is "test" or "train", `images` the first so many.

    Segmentation int64 (B, H, W), 255 = void, 40 or 13 classes; depth float32 (B, 1, H, W) in metres, 0 = invalid;
    normals float32 (B, 3, H, W), unit, the zero vector = invalid, axes x right, y forward, z up. Each sample is scaled
    until it covers `size` (height, width) and cut at the centre. Raises BadInputError for a task without truth here and
    for whatever is missing below `root`.
    """
    return NYUV2.opened(tasks, root, size, images, split, format)

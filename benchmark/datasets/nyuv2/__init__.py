"""NYUv2: photographs of rooms with classes, depth and surface normals (Silberman et al., ECCV 2012)."""

from __future__ import annotations

from ..disk.opening import Kept
from ..disk.plausibility import AXES, range_doubt, shift_doubt
from ..disk.surface import Pinhole
from .adashare import ADASHARE
from .classes import NAMES
from .depth import FURTHEST
from .mtan import MTAN
from .nyud_mt import NYUD_MT
from .official import OFFICIAL

KINECT = Pinhole(518.858, 519.470, 325.582, 253.736, (480, 640))
"""The colour camera, to whose pixels depth is registered (camera_params.m of NYUv2's toolbox)."""

nyuv2 = Kept(
    name="nyuv2",
    tasks=("segmentation", "depth", "normals"),
    counts={"test": 654, "train": 795},
    size=(480, 640),
    formats=(ADASHARE, MTAN, NYUD_MT, OFFICIAL),
    offered="https://cs.nyu.edu/~silberman/datasets/nyu_depth_v2.html (nyu_depth_v2_labeled.mat)",
    doubts=(
        range_doubt("depth", 0.3, FURTHEST, "depth of a room in metres"),
        AXES,
        shift_doubt({40: (1, 0), 13: (4, 11)}),
    ),
    camera=KINECT,
    class_names=NAMES,
)
"""Segmentation int64 (B, H, W), 255 = void, 40 or 13 classes; depth float32 (B, 1, H, W) in metres, 0 = invalid;
normals float32 (B, 3, H, W), unit, the zero vector = invalid, axes x right, y forward, z up."""

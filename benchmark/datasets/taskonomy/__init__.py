"""Taskonomy: photographs of buildings with five tasks (Zamir et al., CVPR 2018, arXiv 1804.08328)."""

from __future__ import annotations

from ..disk.opening import Kept
from ..disk.plausibility import AXES, VOID
from ..disk.surface import Pinhole
from .domains import DOMAINS, NAMES

CAMERA = Pinhole(443.0, 443.0, 255.5, 255.5, (512, 512))
"""One of 60 degrees; each view has its own, and for a doubt this will do."""

taskonomy = Kept(
    name="taskonomy",
    tasks=("segmentation", "depth", "normals", "keypoints2d", "edge_texture"),
    counts={"test": None, "train": None, "val": None},
    size=(512, 512),
    formats=(DOMAINS,),
    offered="https://github.com/StanfordVL/taskonomy/tree/master/data",
    doubts=(AXES, VOID),
    camera=CAMERA,
    class_names={17: NAMES},
)
"""Segmentation int64 (B, H, W), 17 classes, 255 = uncertain; depth float32 (B, 1, H, W) in metres, 0 = invalid;
normals float32 (B, 3, H, W), unit, the zero vector = invalid, axes x right, y forward, z up; keypoints2d and
edge_texture float32 (B, 1, H, W) in [-1, 1]."""

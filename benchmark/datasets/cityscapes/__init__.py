"""Cityscapes: streets with classes and inverse depth (Cordts et al., CVPR 2016, arXiv 1604.01685)."""

from __future__ import annotations

from ..disk.opening import Kept
from ..disk.plausibility import VOID, range_doubt
from .mtan import MTAN

cityscapes = Kept(
    name="cityscapes",
    tasks=("segmentation", "inverse_depth"),
    counts={"test": 500, "train": 2975},
    size=(128, 256),
    formats=(MTAN,),
    offered="https://github.com/lorenmt/mtan (preprocessed), https://www.cityscapes-dataset.com (its owner)",
    doubts=(range_doubt("inverse_depth", 0, 2, "inverse depth"), VOID),
)
"""Segmentation int64 (B, H, W), 19, 7 or 2 classes, 255 = void; inverse_depth float32 (B, 1, H, W), 0 = invalid. The
split to evaluate on is its val."""

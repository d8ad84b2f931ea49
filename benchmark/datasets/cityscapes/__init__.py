"""Cityscapes: streets with classes and inverse depth (Cordts et al., CVPR 2016, arXiv 1604.01685)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...protocol.tasks.base import Task
from ..disk.dataset import OnDisk
from ..disk.opening import Kept
from ..disk.plausibility import range_doubt, void_doubt
from .mtan import MTAN

CITYSCAPES = Kept(
    name="cityscapes",
    tasks=("segmentation", "inverse_depth"),
    splits=("test", "train"),
    formats=(MTAN,),
    offered="https://github.com/lorenmt/mtan (preprocessed), https://www.cityscapes-dataset.com (its owner)",
    doubts=(range_doubt("inverse_depth", 0, 2, "inverse depth"), void_doubt()),
)


def cityscapes(
    tasks: Mapping[str, Task],
    root: Path | None = None,
    size: tuple[int, int] = (128, 256),
    images: int | None = None,
    split: str = "test",
    format: str | None = None,
) -> OnDisk:
    """Cityscapes from the folder `root`; `split` is "test" (its val) or "train", `images` the first so many.

    Segmentation int64 (B, H, W), 19, 7 or 2 classes, 255 = void; inverse_depth float32 (B, 1, H, W), 0 = invalid. Each
    sample is scaled until it covers `size` (height, width) and cut at the centre. Raises BadInputError for a task
    without truth here and for whatever is missing below `root`.
    """
    return CITYSCAPES.opened(tasks, root, size, images, split, format)

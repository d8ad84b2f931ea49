"""What the data sets hold, in words that need no reader to be loaded."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType

from .registry import DATASETS

CONTENTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "rooms3": ("segmentation depth normals", "256 rendered rooms, 13 classes; part of the package"),
        "rooms5": (
            "segmentation depth normals keypoints2d edge_texture",
            "the rooms of rooms3 with five tasks; part of the package",
        ),
        "nyuv2": (
            "segmentation depth normals",
            "654 photographs of rooms to test on, 13 or 40 classes; --data-root says where",
        ),
        "taskonomy": (
            "segmentation depth normals keypoints2d edge_texture",
            "photographs of buildings, 17 classes; --data-root says where",
        ),
        "cityscapes": (
            "segmentation inverse_depth",
            "500 photographs of streets to test on, 2, 7 or 19 classes; --data-root says where",
        ),
    }
)
"""The tasks that there is ground truth for, and what the images are and where they come from."""


def described(name: str) -> dict[str, str]:
    """The tasks and the images of a data set; of one from outside what it says of itself."""
    tasks, about = CONTENTS.get(name) or ("-", (inspect.getdoc(DATASETS.get(name)) or "-").partition("\n")[0])
    return {"tasks": tasks, "about": about}

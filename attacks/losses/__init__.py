"""What an attack ascends, per task: the sets of losses behind the `@` of an attack's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import Tensor

from . import depth, normals, segmentation

Loss = Callable[[Tensor, Tensor], Tensor]

TRAIN = "train"
"""The set that replaces nothing: the losses the model was trained on."""

SETS: Mapping[str, Mapping[str, Loss]] = MappingProxyType(
    {
        TRAIN: {},
        "aligned": {"segmentation": segmentation.masked_ce, "depth": depth.relative, "normals": normals.angle},
        "masked-ce": {"segmentation": segmentation.masked_ce},
        "margin": {"segmentation": segmentation.margin},
        "js": {"segmentation": segmentation.js},
        "segpgd": {"segmentation": segmentation.segpgd},
        "cospgd": {"segmentation": segmentation.cospgd, "normals": normals.cospgd},
        "relative": {"depth": depth.relative},
        "log": {"depth": depth.log},
        "angle": {"normals": normals.angle},
    }
)
"""Losses (prediction, truth) -> (B,) by set and task; a task that a set does not name keeps its training loss."""

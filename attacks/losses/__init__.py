"""What an attack ascends, per task: the sets of losses behind the `@` of an attack's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import Tensor

from ...benchmark.protocol.tasks.classification import Classification
from ...benchmark.protocol.tasks.segmentation import Segmentation
from . import depth, normals
from .labels import Labels

Loss = Callable[[Tensor, Tensor], Tensor]

segmentation, classification = Labels(Segmentation.valid), Labels(Classification.valid)

TRAIN = "train"
"""The set that replaces nothing: the losses the model was trained on."""

SETS: Mapping[str, Mapping[str, Loss]] = MappingProxyType(
    {
        TRAIN: {},
        "aligned": {
            "segmentation": segmentation.masked_ce,
            "depth": depth.relative,
            "normals": normals.angle,
            "classification": classification.masked_ce,
        },
        "masked-ce": {"segmentation": segmentation.masked_ce, "classification": classification.masked_ce},
        "margin": {"segmentation": segmentation.margin, "classification": classification.margin},
        "js": {"segmentation": segmentation.js, "classification": classification.js},
        "segpgd": {"segmentation": segmentation.segpgd},
        "cospgd": {"segmentation": segmentation.cospgd, "normals": normals.cospgd},
        "relative": {"depth": depth.relative},
        "log": {"depth": depth.log},
        "angle": {"normals": normals.angle},
    }
)
"""Losses (prediction, truth) -> (B,) by set and kind of task; others keep their training loss."""

"""The sets of losses that attacks ascend, by kind of task; a task that a set does not name keeps its training loss."""

from __future__ import annotations

from ...benchmark.protocol.tasks.classification import Classification
from ...benchmark.protocol.tasks.segmentation import Segmentation
from . import depth, normals
from .labels import Labels

segmentation, classification = Labels(Segmentation.valid), Labels(Classification.valid)

ALIGNED = {
    "segmentation": segmentation.masked_ce,
    "depth": depth.relative,
    "normals": normals.angle,
    "classification": classification.masked_ce,
}
MASKED_CE = {"segmentation": segmentation.masked_ce, "classification": classification.masked_ce}
MARGIN = {"segmentation": segmentation.margin, "classification": classification.margin}
JS = {"segmentation": segmentation.js, "classification": classification.js}
SEGPGD = {"segmentation": segmentation.segpgd}
COSPGD = {"segmentation": segmentation.cospgd, "normals": normals.cospgd}
RELATIVE = {"depth": depth.relative}
LOG = {"depth": depth.log}
ANGLE = {"normals": normals.angle}

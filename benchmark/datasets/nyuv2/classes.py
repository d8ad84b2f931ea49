"""NYUv2's classes: 40, and the 13 that gather them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ...protocol.tasks.segmentation import IGNORE
from ..disk.source import Layer

# The 13 classes, in NYUv2's order, with the ids 1..40 of the finer classes that each gathers (class13Mapping.mat).
CLASSES_13 = {
    "bed": [4],
    "books": [23],
    "ceiling": [22],
    "chair": [5],
    "floor": [2, 20],  # and floor mat
    "furniture": [3, 10, 12, 15, 17, 24, 32, 39],  # cabinet bookshelf counter shelves dresser fridge nightstand other
    "objects": [18, 19, 21, 26, 27, 28, 29, 30, 31, 33, 34, 35, 36, 37, 38, 40],  # pillow mirror clothes paper ...
    "picture": [11],
    "sofa": [6],
    "table": [7, 14],  # and desk
    "tv": [25],
    "wall": [1, 8],  # and door
    "window": [9, 13, 16],  # and blinds, curtain
}
CLASSES_40 = (
    *("wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf", "picture"),
    *("counter", "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror", "floor mat", "clothes"),
    *("ceiling", "books", "refrigerator", "television", "paper", "towel", "shower curtain", "box", "whiteboard"),
    *("person", "night stand", "toilet", "sink", "lamp", "bathtub", "bag", "otherstructure", "otherfurniture"),
    "otherprop",
)
"""By id - 1, as the files have them (classMapping40.mat)."""

NAMES = {40: CLASSES_40, 13: tuple(CLASSES_13)}
"""The classes' names, by their number."""

_TO_13 = torch.full((256,), IGNORE)
for _index, _members in enumerate(CLASSES_13.values()):
    _TO_13[torch.tensor(_members) - 1] = _index


def gathered(labels: Tensor) -> Tensor:
    """Labels 0..39 as those of the 13 classes; IGNORE stays."""
    return _TO_13[labels]


def by_classes(layers: Mapping[str, Layer]) -> dict[int, Mapping[str, Layer]]:
    """The layers of a format by the number of classes: as they are for 40, with labels gathered for 13."""
    fine = layers["segmentation"]
    coarse = replace(fine, decode=lambda pixels: gathered(fine.decode(pixels)))
    return {40: layers, 13: {**layers, "segmentation": coarse}}

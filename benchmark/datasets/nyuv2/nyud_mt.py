"""NYUv2 as NYUD_MT, the copy of ASTMT and MTI-Net (arXiv 1904.08918, 2001.06902)."""

from __future__ import annotations

from os.path import isfile
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...protocol.errors import BadInputError
from ...protocol.tasks.segmentation import IGNORE
from ..disk.decoding import image, labels, plane, vectors_as_normals
from ..disk.files import Pixels, no_other, photograph, png, vectors
from ..disk.formats import Format
from ..disk.source import PHOTOGRAPH, Files, Layer, distinct, lines
from .classes import by_classes
from .depth import read_metres

SETS = {"test": "gt_sets/val.txt", "train": "gt_sets/train.txt"}


def _classes(path: Path) -> Pixels:
    """Labels 0..39, 255 void; the files have 1..40 and 0."""
    found = png(path, "L")
    no_other(path, found, range(41), "class")
    return np.where(found == 0, IGNORE, found - np.uint8(1))


_LAYERS = {
    PHOTOGRAPH: Layer(("images/{sample}.jpg",), photograph, image),
    "segmentation": Layer(("segmentation/{sample}.png",), _classes, labels),
    "depth": Layer(("depth/{sample}.npy",), read_metres, plane),
    "normals": Layer(("normals/{sample}.npy",), vectors, vectors_as_normals),
}


class NyudMt(Files):
    """One file per layer, named by the sample; the photographs are JPEGs."""

    tables: ClassVar = by_classes(_LAYERS)


def _open(root: Path, split: str, classes: int) -> NyudMt:
    path = root / SETS[split]
    if not isfile(path):
        raise BadInputError(f"{path} is missing, without which nobody knows which samples are of the split {split}")
    return NyudMt(root, distinct(lines(path), str(path)), classes)


NYUD_MT = Format(
    "nyud_mt",
    "images/*.jpg, segmentation/*.png, normals/*.npy, depth/*.npy, gt_sets/train.txt and val.txt",
    ("images", "gt_sets"),
    (40, 13),
    _open,
)

"""NYUv2 in the folder layout of AdaShare and TreeMTL (arXiv 1911.12423), which the DGBA study uses."""

from __future__ import annotations

import json
from os.path import isfile
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np

from ...protocol.errors import BadInputError
from ...protocol.tasks.segmentation import IGNORE
from ..disk.decoding import colours_as_normals, image, labels, plane
from ..disk.files import Pixels, no_other, numbers, photograph, png, reading
from ..disk.formats import Format
from ..disk.source import PHOTOGRAPH, Files, Layer, distinct, stems
from .classes import by_classes
from .depth import metres

SPLITS, ABOUT = "nyu_v2_3task.json", "prepared.json"
"""The list of splits, and what a folder that was prepared here says of itself; the list is written last."""


def classes_40(path: Path) -> Pixels:
    """Labels 0..39 in 8 bits, 255 void."""
    found = png(path, "L")
    no_other(path, found, [*range(40), IGNORE], "class")
    return found


def _depth(path: Path) -> Pixels:
    return metres(path, numbers(path, kind=np.float32))


_LAYERS = {
    PHOTOGRAPH: Layer(("img/{sample}.png", "img/{sample}.jpg"), photograph, image),
    "segmentation": Layer(("seg/{sample}.png",), classes_40, labels),
    "depth": Layer(("depth/{sample}.npy",), _depth, plane),
    "normals": Layer(("normal_mask/{sample}.png",), lambda path: png(path, "RGB"), colours_as_normals),
}


class AdaShare(Files):
    """One file per layer, named by the sample."""

    tables: ClassVar = by_classes(_LAYERS)


def _open(root: Path, split: str, classes: int) -> AdaShare:
    return AdaShare(root, _samples(root, split), classes)


def _samples(root: Path, split: str) -> tuple[str, ...]:
    path = root / SPLITS
    if not isfile(path):
        if isfile(root / ABOUT):
            raise BadInputError(f"{root} is only partly prepared; run the same mtrbench data prepare again")
        if split != "test":
            raise BadInputError(f"{path} is missing, without which nobody knows which samples to train on")
        return (*stems(root, "img", ".png", ".jpg"),)
    with reading(path, f'JSON with a list "{split}" of lists of file names') as file:
        found = [PurePosixPath(entry[0]).stem for entry in json.load(file)[split]]
    return distinct(found, f'{path}, in its list "{split}",')


ADASHARE = Format(
    "adashare",
    f"img/*.png or .jpg, seg/*.png, depth/*.npy, normal_mask/*.png, {SPLITS}",
    ("img",),
    (40, 13),
    _open,
)

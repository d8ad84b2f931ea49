"""NYUv2 as MTAN has it (arXiv 1803.10704): 13 classes, 288 x 384."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from ..disk import mtan
from ..disk.decoding import plane, vectors_as_normals
from ..disk.files import vectors
from ..disk.formats import Format
from ..disk.source import Files, Layer
from .depth import read_metres


class Mtan(Files):
    """One npy file per layer, named by its number."""

    tables: ClassVar = {
        13: {
            **mtan.PHOTOGRAPHS,
            **mtan.segmentation(13, "label"),
            "depth": Layer(("{folder}/depth/{name}.npy",), read_metres, plane),
            "normals": Layer(("{folder}/normal/{name}.npy",), vectors, vectors_as_normals),
        }
    }


def _open(root: Path, split: str, classes: int) -> Mtan:
    return Mtan(root, mtan.samples(root, split), classes)


MTAN = Format(
    "mtan",
    "train/ and val/ with image/, label/, depth/, normal/, each *.npy",
    ("*/image", "*/normal"),
    (13,),
    _open,
)

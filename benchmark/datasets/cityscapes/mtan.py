"""Cityscapes as MTAN has it (arXiv 1803.10704): 128 x 256, 2, 7 or 19 classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from ...protocol.errors import BadInputError
from ..disk import mtan
from ..disk.decoding import plane
from ..disk.files import whole_numbers
from ..disk.formats import Format
from ..disk.source import Files, Layer

COUNTS = (19, 7, 2)
FEW = 16
"""Files of labels whose highest class tells how many there are."""

_DEPTH = {"inverse_depth": Layer(("{folder}/depth/{name}.npy",), mtan.positive, plane)}


class Mtan(Files):
    """One npy file per layer, named by its number."""

    tables: ClassVar = {
        classes: {**mtan.PHOTOGRAPHS, **mtan.segmentation(classes, f"label_{classes}", "label"), **_DEPTH}
        for classes in COUNTS
    }


def _open(root: Path, split: str, classes: int) -> Mtan:
    samples = mtan.samples(root, split)
    folder = root / mtan.FOLDERS[split]
    if not (folder / f"label_{classes}").is_dir():
        _check_plain(folder / "label", [sample.rpartition("/")[2] for sample in samples], classes)
    return Mtan(root, samples, classes)


def _check_plain(folder: Path, names: Sequence[str], classes: int) -> None:
    """Raises BadInputError if the labels in a folder that does not say it have fewer classes."""
    paths = [path for path in (folder / f"{name}.npy" for name in names[:FEW]) if path.is_file()]
    highest = max((int(whole_numbers(path).max()) for path in paths), default=classes)
    seen = min((number for number in COUNTS if number > highest), default=classes)
    if seen < classes:
        raise BadInputError(f"{folder} has {seen} classes, not {classes}, which would lie in label_{classes}")


MTAN = Format(
    "mtan",
    "train/ and val/ with image/, label_2/, label_7/, label_19/ or label/, depth/, each *.npy",
    ("*/image", "*/label*"),
    COUNTS,
    _open,
)

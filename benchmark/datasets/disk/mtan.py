"""What MTAN's copies of NYUv2 and of Cityscapes have in common (arXiv 1803.10704): one npy file per layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...protocol.errors import BadInputError
from ...protocol.tasks.segmentation import IGNORE
from .decoding import image, labels
from .files import Pixels, eight_bits, no_other, numbers, vectors, whole_numbers
from .source import PHOTOGRAPH, Layer, by_number, stems

VOID = -1
FOLDERS = {"test": "val", "train": "train"}
"""Where each split lies."""


def samples(root: Path, split: str) -> tuple[str, ...]:
    """The samples of a split, called FOLDER/NUMBER, in the order of their numbers."""
    folder = FOLDERS[split]
    if not (root / folder).is_dir():
        raise BadInputError(f"{root / folder} is missing, where the split {split} would lie")
    # Of every layer, as nothing else would tell that a photograph is missing.
    names = {name for layer in (root / folder).glob("*/") for name in stems(root, f"{folder}/{layer.name}", ".npy")}
    return tuple(f"{folder}/{name}" for name in sorted(names, key=by_number))


def _image(path: Path) -> Pixels:
    return eight_bits(path, vectors(path))


PHOTOGRAPHS = {PHOTOGRAPH: Layer(("{folder}/image/{name}.npy",), _image, image)}


def segmentation(classes: int, *folders: str) -> dict[str, Layer]:
    """Labels 0 .. classes - 1, -1 void, in the first of these folders that has the file."""

    def read(path: Path) -> Pixels:
        found = whole_numbers(path)
        no_other(path, found, [VOID, *range(classes)], "class")
        return found

    return {"segmentation": Layer(tuple(f"{{folder}}/{folder}/{{name}}.npy" for folder in folders), read, _void)}


def _void(pixels: Pixels) -> Tensor:
    found = labels(pixels)
    return torch.where(found == VOID, IGNORE, found)


def positive(path: Path) -> Pixels:
    """Numbers (H, W), 0 where they are not finite or not above 0."""
    found = numbers(path)
    return np.where(np.isfinite(found) & (found > 0), found, np.float32(0))

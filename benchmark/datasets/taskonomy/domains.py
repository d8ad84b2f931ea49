"""Taskonomy's own layout: a folder per domain, flat or with a folder per building in each."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ...protocol.errors import BadInputError
from ...protocol.tasks.segmentation import IGNORE
from ..disk.decoding import directions, image, labels, plane
from ..disk.files import Pixels, no_other, png
from ..disk.formats import Format
from ..disk.source import PHOTOGRAPH, Files, Layer, by_number, visible
from .splits import chosen

METRE = 512
"""Steps of depth to a metre."""
FURTHEST = 64500
"""Steps from which on there is no depth: the study's mask; the files say 65535."""
NAMES = (
    *("background", "bottle", "chair", "couch", "plant", "bed", "dining table", "toilet", "tv", "microwave", "oven"),
    *("toaster", "sink", "refrigerator", "book", "clock", "vase"),
)
KEYPOINTS, EDGES = 0.005, 0.08
"""Responses, of 1 at most, that are mapped to 1, as larger ones are."""


def _image(path: Path) -> Pixels:
    return png(path, "RGB")


def _numbers(path: Path) -> Pixels:
    return png(path, "I;16")


def _classes(path: Path) -> Pixels:
    """0 for uncertain, 1 for background, 2..17 for objects."""
    found = png(path, "L")
    no_other(path, found, range(18), "class")
    return found


def _from_1(pixels: Pixels) -> Tensor:
    found = labels(pixels)
    return torch.where(found == 0, IGNORE, found - 1)


def _metres(pixels: Pixels) -> Tensor:
    return plane(np.where(pixels < FURTHEST, pixels.astype(np.float32) / np.float32(METRE), np.float32(0)))


def _normals(pixels: Pixels) -> Tensor:
    """The files have x right, y down, z forward, and (128, 128, 128) where there is none."""
    x, y, z = image(pixels) * 2 - 1
    return directions(torch.stack([x, z, -y]))


def _response(largest: float) -> Callable[[Pixels], Tensor]:
    return lambda pixels: (plane(pixels) / 2**16).clamp(max=largest) * (2 / largest) - 1


def _layer(domain: str, read: Callable[[Path], Pixels], decode: Callable[[Pixels], Tensor]) -> Layer:
    return Layer((f"{domain}/{{sample}}_domain_{domain}.png",), read, decode)


# Both spellings of the folder, and of the files in it. The second spelling of a file may be a picture of the labels.
_SEGMENTATION = tuple(
    f"{folder}/{{sample}}_domain_{name}.png"
    for name in ("segmentsemantic", "segment_semantic")
    for folder in ("segment_semantic", "segmentsemantic")
)


class Domains(Files):
    """One PNG per layer; samples are called point_P_view_V, in a building's folder BUILDING/point_P_view_V."""

    tables: ClassVar = {
        17: {
            PHOTOGRAPH: _layer("rgb", _image, image),
            "segmentation": Layer(_SEGMENTATION, _classes, _from_1),
            "depth": _layer("depth_zbuffer", _numbers, _metres),
            "normals": _layer("normal", _image, _normals),
            "keypoints2d": _layer("keypoints2d", _numbers, _response(KEYPOINTS)),
            "edge_texture": _layer("edge_texture", _numbers, _response(EDGES)),
        }
    }


def _open(root: Path, split: str, classes: int) -> Domains:
    return Domains(root, chosen(root, _samples(root), split), classes)


def _samples(root: Path) -> list[str]:
    """Whatever any domain has a file of, as nothing else would tell that a photograph is missing."""
    found = set()
    for places in {place.partition("/")[0] for layer in Domains.tables[17].values() for place in layer.places}:
        for pattern in ("*_domain_*.png", "*/*_domain_*.png"):
            found |= {path.relative_to(root / places).as_posix() for path in visible(root / places, pattern)}
    names = {re.sub(r"_domain_[^/]*$", "", name) for name in found}
    if {"/" in name for name in names} == {True, False}:
        raise BadInputError(f"data root {root} has files both in folders of buildings and beside them")
    return sorted(names, key=by_number)


DOMAINS = Format(
    "domains",
    "rgb/, depth_zbuffer/, normal/, keypoints2d/, edge_texture/, segment_semantic/ with point_P_view_V_domain_*.png, "
    "each flat or by building",
    ("rgb",),
    (17,),
    _open,
)

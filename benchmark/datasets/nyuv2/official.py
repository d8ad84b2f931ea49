"""NYUv2 as its authors offer it: one MATLAB file, of which a sample is read at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from os.path import isfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...protocol.errors import BadInputError
from ...protocol.tasks.segmentation import IGNORE
from ..disk.decoding import image, labels, plane
from ..disk.files import Pixels
from ..disk.formats import Format
from ..disk.source import PHOTOGRAPH
from .classes import gathered
from .depth import metres

FILE, SPLITS, MAPPING = "nyu_depth_v2_labeled.mat", "splits.mat", "classMapping40.mat"
INDICES = {"test": "testNdxs", "train": "trainNdxs"}

# What each layer is called in the file, its type and its axes there, where h5py shows MATLAB's in reverse.
_ARRAYS = {
    PHOTOGRAPH: ("images", np.uint8, 4),
    "segmentation": ("labels", np.uint16, 3),
    "depth": ("depths", np.float32, 3),
}


@dataclass(frozen=True)
class Official:
    """Samples by their place in the file, "0000" being its first; they have no normals."""

    root: Path
    samples: tuple[str, ...]
    classes: int

    layers = tuple(_ARRAYS)

    def path(self, sample: str, layer: str) -> Path:
        return self.root / FILE

    def missing(self, sample: str, layer: str) -> str | None:
        return None  # `open` has looked

    def read(self, sample: str, layer: str) -> Pixels:
        name, kind, axes = _ARRAYS[layer]
        path = self.root / FILE
        with _opened(path) as file:
            array = file[name]
            if array.dtype != kind or array.ndim != axes or (axes == 4 and array.shape[1] != 3):
                wanted = "(N, 3, W, H)" if axes == 4 else "(N, W, H)"
                raise BadInputError(f"{path}: {name} must be {kind.__name__} {wanted}, not {array.dtype} {array.shape}")
            if int(sample) >= len(array):
                raise BadInputError(f"{path}: {name} has {len(array)} images, and no number {int(sample) + 1}")
            pixels: Pixels = np.ascontiguousarray(array[int(sample)].T)
        if layer == "depth":
            return metres(path, pixels)
        return _forty(self.root, pixels) if layer == "segmentation" else pixels

    def decode(self, layer: str, pixels: Pixels) -> Tensor:
        if layer == "segmentation":
            return gathered(labels(pixels)) if self.classes == 13 else labels(pixels)
        return image(pixels) if layer == PHOTOGRAPH else plane(pixels)

    def content(self, sample: str, layer: str) -> str:
        return f"{layer}/{sample} {hashlib.sha256(self.read(sample, layer).tobytes()).hexdigest()}"


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file, open while it is read: no handle outlives that, so that worker processes share none."""
    h5py = _extra("h5py", path)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, ValueError, RuntimeError, AttributeError) as error:
        if isinstance(error, BadInputError):
            raise
        raise BadInputError(
            f"{path} cannot be read as NYUv2's labelled images (HDF5): {' '.join(str(error).split())}"
        ) from error


def _extra(name: str, path: Path) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise BadInputError(
            f"{path} needs {name.partition('.')[0]} to be read: pip install 'mtrbench[data]'"
        ) from error


def _variable(path: Path, name: str, check: Callable[[NDArray[Any]], bool]) -> NDArray[np.int64]:
    """A vector of whole numbers in a MATLAB file of the older kind."""
    if not isfile(path):
        raise BadInputError(f"{path} is missing; it belongs beside {FILE}")
    try:
        found = np.asarray(_extra("scipy.io", path).loadmat(path, variable_names=[name])[name]).ravel().astype(np.int64)
        sound = check(found)
    except BadInputError:
        raise
    except Exception as error:  # scipy raises whatever its parser trips over
        raise BadInputError(f"{path} cannot be read as a MATLAB file with {name}") from error
    if not sound:
        raise BadInputError(f"{path}: {name} is not what NYUv2 says, {found.size} numbers from {found.min(initial=0)}")
    return found


@cache
def _to_40(path: Path) -> NDArray[np.uint8]:
    """Labels of the file, 0..894, as 0..39, 255 for void."""
    known = _variable(path, "mapClass", lambda found: found.size == 894 and found.min() >= 1 and found.max() <= 40)
    return np.array([IGNORE, *(known - 1)], np.uint8)


def _forty(root: Path, pixels: Pixels) -> Pixels:
    table = _to_40(root / MAPPING)
    if pixels.max() >= len(table):
        raise BadInputError(f"{root / FILE} holds class {pixels.max()}; 1..894 and 0 (void) are allowed")
    return table[pixels]


def _open(root: Path, split: str, classes: int) -> Official:
    with _opened(root / FILE) as file:
        count = len(file["images"])
    chosen = _variable(
        root / SPLITS,
        INDICES[split],
        lambda found: found.size > 0 and found.min() >= 1 and np.unique(found).size == found.size,
    )
    if chosen.max() > count:
        raise BadInputError(f"{root / FILE} has {count} images, but {SPLITS} names number {chosen.max()}")
    return Official(root, tuple(f"{index - 1:04d}" for index in chosen), classes)


OFFICIAL = Format(
    "official",
    f"{FILE}, {SPLITS}, {MAPPING}",
    (FILE,),
    (40, 13),
    _open,
    {"normals": "derive them once with mtrbench data prepare nyuv2"},
)

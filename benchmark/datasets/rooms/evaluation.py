"""The evaluation split: 256 scenes, shipped at 64 x 64 and rendered at any other size."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...protocol.errors import BadInputError
from ...protocol.types import Batch
from . import responses
from .labels import CLASSES
from .render import render
from .training import EVALUATION
from .truth import images as to_images
from .truth import known, truth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ...protocol.tasks.base import Task

SCENES = 256
SIZE = (64, 64)
FILE = Path(__file__).with_name("evaluation.npz")
SHA256 = "72eae7d9ec63e10c0fa4f9baf7571976731e39e3af04c62b2efba2b298db9197"


@dataclass(frozen=True, eq=False)
class Rooms:
    """The first scenes of the evaluation split with the ground truth of `tasks`.

    `arrays` are as `drawn` makes them; `source` is their file's digest, or their own if they come from no file.
    """

    tasks: tuple[str, ...]
    arrays: Mapping[str, NDArray[Any]] = field(repr=False)
    source: str

    name = "rooms"

    @property
    def sha256(self) -> str:
        """The arrays' digest; where a task's truth is computed from the images, with that computation's version."""
        if not {"keypoints2d", "edge_texture"} & set(self.tasks):
            return self.source
        return hashlib.sha256(f"{self.source} responses {responses.VERSION}".encode()).hexdigest()

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(f"rooms-{i:03d}" for i in range(len(self.arrays["image"])))

    def batch(self, indices: Sequence[int]) -> Batch:
        """The samples at `indices` as tensors."""
        chosen = {name: values[list(indices)] for name, values in self.arrays.items()}
        return Batch(to_images(chosen), truth(chosen, self.tasks), tuple(self.ids[i] for i in indices))


def rooms(
    tasks: Mapping[str, Task], root: Path | None = None, size: tuple[int, int] = SIZE, images: int | None = None
) -> Rooms:
    """The evaluation split, or its first `images` scenes, at (height, width) `size`.

    Raises BadInputError if a `root` is given, if `images` is not in 1..256, if a side of `size` is below 8, if rooms
    has no ground truth for a task or another number of classes, or if the shipped file is missing or damaged.
    """
    if root is not None:
        raise BadInputError(f"data set rooms is part of the package and reads no folder; leave out root {root}")
    count = SCENES if images is None else images
    if not 1 <= count <= SCENES:
        raise BadInputError(f"data set rooms has 1 to {SCENES} images, not {images}")
    if min(size) < 8:
        raise BadInputError(f"rooms are rendered at 8 x 8 pixels or more, not {size[0]} x {size[1]}")
    names = known(tasks)
    classes = getattr(tasks.get("segmentation"), "classes", len(CLASSES))
    if classes != len(CLASSES):
        raise BadInputError(f"rooms have {len(CLASSES)} segmentation classes, the model {classes}; let it answer these")
    if tuple(size) == SIZE:
        arrays = shipped(FILE, SHA256)
        return Rooms(names, {name: values[:count] for name, values in arrays.items()}, SHA256)
    arrays = drawn(range(count), size)
    return Rooms(names, arrays, digest(arrays))


def rooms3(
    tasks: Mapping[str, Task], root: Path | None = None, size: tuple[int, int] = SIZE, images: int | None = None
) -> Rooms:
    """The same scenes with the ground truth of segmentation, depth and normals alone; raises as `rooms` does."""
    known(tasks, "rooms3")
    return rooms(tasks, root, size, images)


def drawn(scenes: Sequence[int], size: tuple[int, int]) -> dict[str, NDArray[Any]]:
    """Scenes as they are shipped, in whole numbers and half precision.

    `image` uint8 (N, H, W, 3), `segmentation` uint8 (N, H, W), `depth` uint16 (N, H, W) in millimetres, `normals`
    float16 (N, H, W, 3).
    """
    rendered = [render((EVALUATION, scene), size) for scene in scenes]
    stacked = {name: np.stack([item[name] for item in rendered]) for name in rendered[0]}
    stacked["depth"] = np.round(stacked["depth"] * 1000).astype(np.uint16)
    stacked["normals"] = stacked["normals"].astype(np.float16)
    return stacked


def shipped(file: Path, sha256: str) -> dict[str, NDArray[Any]]:
    """The arrays in `file`; raises BadInputError if it cannot be read or its digest is not `sha256`."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BadInputError(f"cannot read the rooms evaluation split {file}: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadInputError(f"the rooms evaluation split {file} is damaged (wrong sha256); install the package again")
    with np.load(file) as archive:
        return {name: archive[name] for name in archive.files}


def digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 over the arrays' names, types, shapes and bytes, in order of name."""
    state = hashlib.sha256()
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name])
        state.update(f"{name} {values.dtype.str} {values.shape}\n".encode())
        state.update(values.tobytes())
    return state.hexdigest()

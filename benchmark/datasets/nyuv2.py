"""NYUv2 in the folder layout of AdaShare and TreeMTL: photographs with classes, depth and surface normals."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from os.path import isfile  # unlike Path.is_file, False for every name that the system refuses
from pathlib import Path, PurePosixPath
from tokenize import TokenError

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ..protocol.errors import BadInputError
from ..protocol.tasks.base import Task
from ..protocol.tasks.segmentation import IGNORE
from ..protocol.types import Batch

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
_TO_13 = torch.full((256,), IGNORE)
for _index, _members in enumerate(CLASSES_13.values()):
    _TO_13[torch.tensor(_members) - 1] = _index  # the files hold id - 1
_BROKEN = (OSError, ValueError, TypeError, LookupError, SyntaxError, TokenError, RecursionError, MemoryError)


@contextmanager
def _reading(path: Path, kind: str) -> Iterator[io.BytesIO]:
    """The file's content; whatever the parsers of PNG, npy and JSON raise at a broken one becomes BadInputError."""
    try:
        yield io.BytesIO(path.read_bytes())
    except (*_BROKEN, Image.DecompressionBombError) as error:
        raise BadInputError(f"{path} cannot be read as {kind}") from error


def _png(path: Path, mode: str = "RGB") -> Image.Image:
    with _reading(path, "a PNG image") as file:
        image = Image.open(file, formats=("PNG",))
        image.load()
    if image.mode != mode:
        raise BadInputError(f"{path} must be a PNG of mode {mode}, not {image.mode}")
    return image


def _read_classes(path: Path) -> Image.Image:
    image = _png(path, "L")
    wrong = set(image.tobytes()) - {*range(40), IGNORE}
    if wrong:
        raise BadInputError(f"{path} holds class {min(wrong)}; 0..39 and {IGNORE} (void) are allowed")
    return image


def _read_depth(path: Path) -> Image.Image:
    with _reading(path, "an npy array of numbers") as file:
        depth = np.lib.format.read_array(file, allow_pickle=False)  # np.load would take archives too
    if depth.dtype != np.float32 or depth.size == 0 or depth.ndim not in (2, 3) or depth.shape[:-2] not in ((), (1,)):
        raise BadInputError(f"{path} must be float32 (H, W) or (1, H, W), not {depth.dtype} {depth.shape}")
    valid = np.isfinite(depth) & (depth > 3e-5)
    return Image.fromarray(np.where(valid, depth, np.float32(0)).reshape(depth.shape[-2:]))


def _colours(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image, np.float32).transpose(2, 0, 1) / 255)


def _normals(image: Image.Image) -> Tensor:
    directions = _colours(image) * 2 - 1
    length = torch.linalg.vector_norm(directions, dim=0, keepdim=True)
    # White has length 1.7. The files also hold middle grey, length 0.007, which is no direction either.
    return torch.where((length - 1).abs() < 0.5, directions / length, 0.0)


# A layer's file, what makes a checked raster of the file, and what makes a tensor of the fitted raster.
_Layer = tuple[str, Callable[[Path], Image.Image], Callable[[Image.Image], Tensor]]
_LAYERS: dict[str, _Layer] = {
    "photograph": ("img/{}.png", _png, _colours),
    "segmentation": ("seg/{}.png", _read_classes, lambda image: torch.from_numpy(np.array(image, np.int64))),
    "depth": ("depth/{}.npy", _read_depth, lambda image: torch.from_numpy(np.array(image))[None]),
    "normals": ("normal_mask/{}.png", _png, _normals),
}
_PHOTOGRAPH, *_TASKS = _LAYERS


@dataclass(frozen=True)
class NYUv2:
    """Samples of NYUv2, read from their files batch by batch; made by `nyuv2`."""

    root: Path
    ids: tuple[str, ...]
    tasks: tuple[str, ...]
    size: tuple[int, int]
    classes: int
    name = "nyuv2"

    @cached_property
    def sha256(self) -> str:
        """Digest of names and bytes of the files used, of size and classes; the root's place does not enter."""
        digest = hashlib.sha256(f"nyuv2 1 {self.size[0]}x{self.size[1]} {self.classes}".encode())
        for path in (path for name in self.ids for path in self._files(name)):
            with _reading(path, "a file") as file:
                content = hashlib.sha256(file.getbuffer()).hexdigest()
            digest.update(f"\n{path.parent.name}/{path.name} {content}".encode())
        return digest.hexdigest()

    def batch(self, indices: Sequence[int]) -> Batch:
        """The samples at `indices`, in that order.

        `x` float32 (B, 3, H, W) in [0, 1]; segmentation int64 (B, H, W), 255 = void; depth float32 (B, 1, H, W) in
        metres, 0 = invalid; normals float32 (B, 3, H, W), unit, the zero vector = invalid, axes x right, y forward,
        z up. Raises BadInputError that names the file whose content is not as the layout says.
        """
        ids = tuple(self.ids[index] for index in indices)
        x, *layers = (torch.stack(parts) for parts in zip(*map(self._layers, ids), strict=True))
        truth = dict(zip(self.tasks, layers, strict=True))
        if "segmentation" in truth and self.classes == 13:
            truth["segmentation"] = _TO_13[truth["segmentation"]]
        return Batch(x, truth, ids)

    def _files(self, name: str) -> list[Path]:
        stem = name.removeprefix("nyuv2-")
        return [self.root / _LAYERS[layer][0].format(stem) for layer in (_PHOTOGRAPH, *self.tasks)]

    def _layers(self, name: str) -> Iterator[Tensor]:
        extent = None
        for path, layer in zip(self._files(name), (_PHOTOGRAPH, *self.tasks), strict=True):
            _, read, decode = _LAYERS[layer]
            raster = read(path)
            extent = extent or raster.size
            if raster.size != extent:
                raise BadInputError(f"{path} has width x height {raster.size}, but its photograph {extent}")
            # The triangle filter averages over the source's pixels without overshoot; truth must not be mixed at all.
            method = Image.Resampling.BILINEAR if layer == _PHOTOGRAPH else Image.Resampling.NEAREST
            yield decode(ImageOps.fit(raster, self.size[::-1], method))


def _stems(root: Path, split: str) -> list[str]:
    path = root / "nyu_v2_3task.json"
    if not isfile(path):
        if split != "test":
            raise BadInputError(f"{path} is missing, without which nobody knows which samples to train on")
        return sorted(photograph.stem for photograph in root.glob("img/*.png"))
    with _reading(path, f'JSON with a list "{split}" of lists of file names') as file:
        stems = [PurePosixPath(entry[0]).stem for entry in json.load(file)[split]]
    if len(set(stems)) < len(stems) or not all(map(str.isprintable, stems)):
        raise BadInputError(f'{path} has an unprintable or repeated file name in its list "{split}"')
    return stems


def nyuv2(
    tasks: Mapping[str, Task],
    root: Path | None = None,
    size: tuple[int, int] = (480, 640),
    images: int | None = None,
    split: str = "test",
) -> NYUv2:
    """NYUv2 from the folder `root`: img/*.png, seg/*.png, depth/*.npy, normal_mask/*.png, nyu_v2_3task.json.

    The JSON's list `split`, "test" or "train", names the samples; without the file every photograph is one to test on;
    `images` keeps the first so many. Each is scaled until it covers `size` (height, width) and cut at the centre,
    photographs with an antialiased triangle filter, truth with nearest neighbour. `tasks["segmentation"].classes` is 40
    or 13. Raises BadInputError for a task without truth here and for whatever is missing below `root`.
    Source: Silberman et al., ECCV 2012; the layout is AdaShare's (arXiv 1911.12423).
    """
    for task in tasks:
        if task not in _TASKS:
            raise BadInputError(f"data set nyuv2 has no truth for task {task!r}; it has {', '.join(_TASKS)}")
    classes = getattr(tasks["segmentation"], "classes", None) if "segmentation" in tasks else 40
    if classes not in (40, 13):
        raise BadInputError(f"data set nyuv2 has 40 or 13 segmentation classes, not {classes}")
    if min(size) < 1:
        raise BadInputError(f"size must be positive, not {size}")
    if root is None:
        raise BadInputError("data set nyuv2 does not ship with the package: pass --data-root FOLDER")
    if not root.is_dir():
        raise BadInputError(f"data root {root} is not a folder")
    if split not in ("test", "train"):
        raise BadInputError(f"data set nyuv2 has the splits test and train, not {split!r}")
    stems = _stems(root, split)
    if not stems:
        raise BadInputError(f"data root {root} has no photographs: no img/*.png, or none in the JSON's {split} list")
    if images is not None and not 1 <= images <= len(stems):
        raise BadInputError(f"images must be 1 to {len(stems)}, as many as {root} has, not {images}")
    dataset = NYUv2(root, tuple(f"nyuv2-{stem}" for stem in stems[:images]), tuple(tasks), size, classes)
    for path in (path for name in dataset.ids for path in dataset._files(name)):
        if not isfile(path):
            raise BadInputError(f"nyuv2 lacks the file {path}")
    return dataset

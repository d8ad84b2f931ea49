"""One set of scenes in every format of NYUv2, written as its makers write it, without a line of the readers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import h5py
import numpy as np
from PIL import Image
from scipy.io import savemat

from mtrbench.benchmark.datasets.nyuv2.classes import CLASSES_13

from .nyuv2_files import TRUTH, write_npy, write_png

H, W = 24, 32
SIZE = (H, W)
TEST, TRAIN = 3, 2
"""How many scenes each split has."""


@dataclass(frozen=True)
class Scene:
    """What every format holds: `image` is what `jpeg` decodes to, `labels` are 0..39 and 255, zeros are invalid."""

    jpeg: bytes
    image: np.ndarray
    labels: np.ndarray
    depth: np.ndarray
    colours: np.ndarray
    """The normals in 8 bits, white where there is none."""
    normals: np.ndarray


def scene(seed: int) -> Scene:
    """A wall in front of the camera with a step in it, in noise, with holes in every layer."""
    random = np.random.default_rng(seed)
    noise = Image.fromarray(random.integers(0, 256, (H // 4, W // 4, 3), np.uint8)).resize((W, H))
    stream = io.BytesIO()
    noise.save(stream, "JPEG", quality=95)
    labels = np.repeat(np.repeat(random.integers(0, 40, (H // 4, W // 4), np.uint8), 4, 0), 4, 1)
    labels[random.random(SIZE) < 0.1] = 255
    depth = np.full(SIZE, 2 + random.random(), np.float32)
    depth[:, W // 2 :] += np.float32(0.5)
    depth[random.random(SIZE) < 0.05] = 0
    directions = np.array([0, -1, 0]) + 0.3 * random.normal(size=(H, W, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    colours = np.rint((directions + 1) * 127.5).astype(np.uint8)
    hole = random.random(SIZE) < 0.1
    colours[hole] = 255
    normals = colours.astype(np.float32) / np.float32(127.5) - 1
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[hole] = 0
    return Scene(stream.getvalue(), np.asarray(Image.open(stream)), labels, depth, colours, normals)


def scenes() -> Mapping[str, Sequence[Scene]]:
    """By split."""
    return {"test": [scene(seed) for seed in range(TEST)], "train": [scene(100 + seed) for seed in range(TRAIN)]}


def thirteen(labels: np.ndarray) -> np.ndarray:
    """Labels 0..39 and 255 as 0..12 and 255."""
    table = np.full(256, 255, np.uint8)
    for index, members in enumerate(CLASSES_13.values()):
        table[np.array(members) - 1] = index
    return table[labels]


def adashare(root: Path, jpeg: bool = False) -> None:
    """Folders img, seg, depth, normal_mask and the JSON; depth (1, H, W)."""
    number, entries = count(60), {}
    for split, found in scenes().items():
        entries[split] = []
        for one in found:
            stem = f"{next(number):04d}"
            suffix = "jpg" if jpeg else "png"
            entries[split].append([f"img/{stem}.{suffix}", f"seg/{stem}.png"])
            if jpeg:
                write_bytes(root / f"img/{stem}.jpg", one.jpeg)
            else:
                write_png(root / f"img/{stem}.png", one.image)
            write_png(root / f"seg/{stem}.png", one.labels)
            write_png(root / f"normal_mask/{stem}.png", one.colours)
            write_npy(root / f"depth/{stem}.npy", one.depth[None])
    (root / "nyu_v2_3task.json").write_text(json.dumps(entries))


def adashare_jpeg(root: Path) -> None:
    """The same with the photographs as JPEGs."""
    adashare(root, jpeg=True)


def mtan(root: Path) -> None:
    """Folders train and val of npy files; double precision images as `imread / 255` gives them."""
    for split, found in scenes().items():
        folder = root / {"test": "val", "train": "train"}[split]
        for index, one in enumerate(found):
            labels = thirteen(one.labels)
            write_npy(folder / f"image/{index}.npy", one.image / 255.0)
            write_npy(folder / f"label/{index}.npy", np.where(labels == 255, -1.0, labels))
            write_npy(folder / f"depth/{index}.npy", one.depth[..., None])
            write_npy(folder / f"normal/{index}.npy", one.normals)


def nyud_mt(root: Path) -> None:
    """Labels 1..40 with 0 for void, lists of names."""
    for split, found in scenes().items():
        names = [f"{split[:2]}{index:04d}" for index in range(len(found))]
        path = root / "gt_sets" / {"test": "val.txt", "train": "train.txt"}[split]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(names) + "\n")
        for name, one in zip(names, found, strict=True):
            write_bytes(root / f"images/{name}.jpg", one.jpeg)
            write_png(
                root / f"segmentation/{name}.png", np.where(one.labels == 255, 0, one.labels + 1).astype(np.uint8)
            )
            write_npy(root / f"depth/{name}.npy", one.depth)
            write_npy(root / f"normals/{name}.npy", one.normals)


def official(root: Path) -> None:
    """A MATLAB 7.3 file, with MATLAB's order of axes and its header, and two older ones; the splits alternate."""
    found = scenes()
    order = [*found["train"], *found["test"]]
    places = {"train": [*range(1, TRAIN + 1)], "test": [*range(TRAIN + 1, TRAIN + TEST + 1)]}
    mapping = 1 + np.arange(894) % 40
    labels = [
        np.where(one.labels == 255, 0, one.labels.astype(np.uint16) + 1 + 40 * (seed % 20))
        for seed, one in enumerate(order)
    ]
    arrays = {
        "images": np.stack([one.image for one in order]).transpose(0, 3, 2, 1),
        "labels": np.stack(labels).astype(np.uint16).transpose(0, 2, 1),
        "depths": np.stack([one.depth for one in order]).transpose(0, 2, 1),
        "rawDepths": np.stack([one.depth for one in order]).transpose(0, 2, 1),
    }
    path = root / "nyu_depth_v2_labeled.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            dataset = file.create_dataset(name, data=array, chunks=(1, *array.shape[1:]), compression="gzip")
            dataset.attrs["MATLAB_class"] = np.bytes_(
                {"u1": "uint8", "u2": "uint16", "f4": "single"}[array.dtype.str[1:]]
            )
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    savemat(
        root / "splits.mat",
        {f"{split}Ndxs": np.array(numbers, np.uint16)[:, None] for split, numbers in places.items()},
    )
    savemat(root / "classMapping40.mat", {"mapClass": mapping.astype(np.uint8)[None]})


FORMATS: Mapping[str, Callable[[Path], None]] = {
    "adashare": adashare,
    "adashare with JPEGs": adashare_jpeg,
    "mtan": mtan,
    "nyud_mt": nyud_mt,
    "official": official,
}
LACKS = {"official": {"normals"}}
CLASSES = {"mtan": (13,)}
"""What else than 40 and 13 a format has."""


def truth_of(name: str) -> list[str]:
    """The tasks whose truth a format has."""
    return [task for task in TRUTH if task not in LACKS.get(name, ())]


def write_every_format(folder: Path) -> dict[str, Path]:
    """A folder for each, by its name."""
    roots = {name: folder / name for name in FORMATS}
    for name, root in roots.items():
        root.mkdir()
        FORMATS[name](root)
    return roots


def write_bytes(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)

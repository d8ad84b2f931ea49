"""NYUv2's files, written in its formats."""

from pathlib import Path

import numpy as np
from PIL import Image

from mtrbench.benchmark.protocol.tasks.registry import make_task

H, W = 12, 16
NATIVE = (H, W)
STEMS = ("0003", "0061", "0295")
TRUTH = ("segmentation", "depth", "normals")
FACING, UP = (127, 0, 127), (127, 127, 255)  # normals (0, -1, 0) and (0, 0, 1) as colours, to 1/255


def tasks(*names: str, classes: int = 40):
    settings = {"segmentation": {"classes": classes}}
    return {name: make_task(name, **settings.get(name, {})) for name in names or TRUTH}


def write_png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_npy(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


def write_sample(root: Path, stem: str, block=np.s_[4:8, 4:8]) -> None:
    """A black wall facing the camera, one metre away, with a white block of class 5 two metres away that faces up."""
    layers = {"img": np.zeros((H, W, 3)), "seg": np.zeros(NATIVE), "normal_mask": np.full((H, W, 3), FACING)}
    for (folder, pixels), mark in zip(layers.items(), (255, 5, UP), strict=True):
        pixels[block] = mark
        write_png(root / folder / f"{stem}.png", pixels.astype(np.uint8))
    depth = np.ones(NATIVE, np.float32)
    depth[block] = 2
    write_npy(root / "depth" / f"{stem}.npy", depth)


def write_samples(root: Path) -> Path:
    """Three samples, whose blocks lie side by side."""
    for stem, left in zip(STEMS, (0, 4, 8), strict=True):
        write_sample(root, stem, np.s_[4:8, left : left + 4])
    return root

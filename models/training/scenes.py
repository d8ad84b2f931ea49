"""Scenes, rendered or decoded once: in memory for the length of a training, on disk for the trainings after it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.files import write_atomically
from ...benchmark.protocol.progress import progress
from ...benchmark.protocol.types import Batch

Scene = tuple[Tensor, dict[str, Tensor]]
Scenes = Dataset[Scene]

IMAGES = "x"
PROBES = 16


@runtime_checkable
class Hashed(Protocol):
    """Scenes that know what they depend on."""

    @property
    def sha256(self) -> str: ...


@dataclass(frozen=True)
class Rendered:
    """N scenes: `tensors["x"]` (N, 3, H, W) and the truth of every task, in uint8 where that holds them exactly.

    `sha256` is the scenes' own, or that of their number and of sixteen of them.
    """

    tensors: dict[str, Tensor]
    sha256: str

    def __len__(self) -> int:
        return len(self.tensors[IMAGES])

    def batch(self, chosen: Tensor | slice, ids: tuple[str, ...]) -> Batch:
        """The `chosen` scenes as the data set gave them, images in the memory order that convolutions like best."""
        tensors = {name: values[chosen] for name, values in self.tensors.items()}
        x = _images(tensors.pop(IMAGES)).contiguous(memory_format=torch.channels_last)
        return Batch(x, {name: _labels(values) for name, values in tensors.items()}, ids)


def rendered(scenes: Scenes, workers: int, folder: Path) -> Rendered:
    """All scenes, read from `folder` if they were rendered before, else rendered by worker processes and kept there.

    Rendering costs as much as a training on the scenes. The file is named by the scenes' own `sha256` where they have
    one, those of files; else by their number and the content of sixteen of them, which are rendered each time: other
    scenes, and another renderer, have another file. Raises BadInputError if the file is broken.
    """
    digest = scenes.sha256 if isinstance(scenes, Hashed) else _digest(scenes)
    path = folder / f"{digest}.safetensors"
    if path.exists():
        try:
            return Rendered(load_file(path), digest)
        except SafetensorError as error:
            raise BadInputError(f"rendered scenes {path} cannot be read: {error}; remove the file") from error
    loader = DataLoader(scenes, 64, num_workers=workers)
    parts = [{IMAGES: x, **truth} for x, truth in progress(loader, "rendering scenes", unit="batch", mininterval=1.0)]
    tensors = {name: _compact(name, torch.cat([part.pop(name) for part in parts])) for name in (*parts[0],)}
    write_atomically(path, save(tensors))
    return Rendered(tensors, digest)


def _digest(scenes: Scenes) -> str:
    count = len(scenes)  # type: ignore[arg-type]
    digest = hashlib.sha256(f"{count}\n".encode())
    for index in sorted({*np.linspace(0, count - 1, PROBES).astype(int).tolist()}):
        x, truth = scenes[index]
        for name, values in {IMAGES: x, **truth}.items():
            digest.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
            digest.update(values.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _compact(name: str, values: Tensor) -> Tensor:
    """Images in multiples of 1/255, and labels from 0 to 255, as uint8; anything else as it is."""
    if name == IMAGES:
        small = (values * 255).round().clamp(0, 255).to(torch.uint8)
        return small if torch.equal(_images(small), values) else values
    if values.is_floating_point():
        return values
    small = values.to(torch.uint8)
    return small if torch.equal(_labels(small), values) else values


def _images(values: Tensor) -> Tensor:
    return values.float() / 255 if values.dtype == torch.uint8 else values


def _labels(values: Tensor) -> Tensor:
    return values.long() if values.dtype == torch.uint8 else values

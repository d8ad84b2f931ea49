"""A data set out of the files of any format."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ...protocol.errors import BadInputError
from ...protocol.types import Batch
from .fitting import fitted
from .source import PHOTOGRAPH, Source


def digest_of(name: str, size: tuple[int, int], classes: int, content: Iterable[str]) -> str:
    """The digest of samples whose layers have this content, sample by sample, at one size."""
    digest = hashlib.sha256(f"{name} 1 {size[0]}x{size[1]} {classes}".encode())
    for line in content:
        digest.update(f"\n{line}".encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class OnDisk:
    """Samples of `source` at one size (height, width), read batch by batch, with the truth of `tasks`."""

    name: str
    source: Source
    samples: tuple[str, ...]
    tasks: tuple[str, ...]
    size: tuple[int, int]
    classes: int

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(f"{self.name}-{sample}" for sample in self.samples)

    @property
    def layers(self) -> tuple[str, ...]:
        """What is read of every sample."""
        return (PHOTOGRAPH, *self.tasks)

    @cached_property
    def sha256(self) -> str:
        """Digest of names and bytes of what is read, of size and classes; the place of the files does not enter."""
        content = (self.source.content(sample, layer) for sample in self.samples for layer in self.layers)
        return digest_of(self.name, self.size, self.classes, content)

    def batch(self, indices: Sequence[int]) -> Batch:
        """The samples at `indices`, in that order.

        `x` float32 (B, 3, H, W) in [0, 1], truth as its tasks say. Raises BadInputError that names the file whose
        content is not as the format says.
        """
        samples = [self.samples[index] for index in indices]
        x, *layers = (torch.stack(parts) for parts in zip(*map(self._layers, samples), strict=True))
        return Batch(x, dict(zip(self.tasks, layers, strict=True)), tuple(self.ids[index] for index in indices))

    def _layers(self, sample: str) -> Iterator[Tensor]:
        extent = None
        for layer in self.layers:
            pixels = self.source.read(sample, layer)
            height, width = pixels.shape[:2]
            extent = extent or (width, height)
            if (width, height) != extent:
                path = self.source.path(sample, layer)
                raise BadInputError(f"{path} has width x height {(width, height)}, but its photograph {extent}")
            yield self.source.decode(layer, fitted(pixels, self.size, mix=layer == PHOTOGRAPH))

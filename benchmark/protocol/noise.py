"""Random numbers that belong to a sample, not to the batch or the process it happens to be in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Noise:
    """Random tensors keyed by (seed, sample id, draw).

    The same key gives the same numbers whatever the batch size, the shard, the worker or the device; two draws of one
    attack must carry different names.
    """

    seed: int = 0

    def uniform(self, ids: Sequence[str], shape: tuple[int, ...], draw: str) -> Tensor:
        """Float32 (B, *shape), uniform on [-1, 1), one independent stream per sample."""
        return _stack(stream.random(shape, dtype=np.float32) * 2 - 1 for stream in self._streams(ids, draw))

    def normal(self, ids: Sequence[str], shape: tuple[int, ...], draw: str) -> Tensor:
        """Float32 (B, *shape), standard normal, one independent stream per sample."""
        return _stack(stream.standard_normal(shape, dtype=np.float32) for stream in self._streams(ids, draw))

    def sign(self, ids: Sequence[str], shape: tuple[int, ...], draw: str) -> Tensor:
        """Float32 (B, *shape), each element -1 or +1 with equal chance."""
        return torch.where(self.uniform(ids, shape, draw) < 0, -1.0, 1.0)

    def _streams(self, ids: Sequence[str], draw: str) -> Iterator[np.random.Generator]:
        for name in ids:
            digest = hashlib.sha256(f"{self.seed}\0{name}\0{draw}".encode()).digest()
            yield np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], dtype=np.uint64)))


def _stack(arrays: Iterable[NDArray[np.float32]]) -> Tensor:
    return torch.stack([torch.from_numpy(array) for array in arrays])

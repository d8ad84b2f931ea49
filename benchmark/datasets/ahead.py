"""Samples on disk, decoded before they are asked for."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock
from weakref import WeakSet

import torch
from torch import Tensor

from ..protocol.cores import default_processes
from ..protocol.types import Batch, Dataset
from .disk.dataset import OnDisk
from .wrapped import Wrapped

ROOM = 4 * 2**30
"""Bytes of decoded samples that are kept of a data set, in each process."""
NEXT = 32
"""Samples that are decoded beyond those asked for: a job's. What waits when a process ends is still decoded."""
MOST = 4
"""Threads where nobody says how many; more of them wait for Python's lock, of which decoding needs a part."""


def decoded_ahead(dataset: Dataset, device: torch.device, workers: int | None = None) -> Dataset:
    """`dataset`, if it lies on disk, decoded ahead by so many threads for batches on their way to `device`.

    None is no thread where the jobs themselves need the cores, on the CPU, and else one per core, up to four.
    """
    gpu = device.type == "cuda" and torch.cuda.is_available()
    if workers is None:
        workers = min(MOST, default_processes()) if gpu else 0
    return Ahead(dataset, workers, pinned=gpu) if workers and isinstance(dataset, OnDisk) else dataset


@dataclass(eq=False)
class Ahead(Wrapped):
    """`dataset`, whose samples are decoded by `workers` threads, the next in order before they are asked for.

    As many as fit into `room` bytes are kept, those that were used last. Batches are the same bit for bit, and lie in
    `pinned` memory, from which a GPU copies by itself, where that is asked for. What a sample raises is raised by the
    batches with it. A process that was forked, where there are no threads, decodes for itself.
    """

    dataset: Dataset
    workers: int
    room: int = ROOM
    pinned: bool = False

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.workers, "decode")
        self._kept: OrderedDict[int, Future[Batch]] = OrderedDict()
        self._lock, self._process = Lock(), os.getpid()
        _everywhere.add(self)

    def batch(self, indices: Sequence[int]) -> Batch:
        """The samples at `indices`, as `dataset` gives them; raises what it raises."""
        if os.getpid() != self._process:
            return self.dataset.batch(indices)
        with self._lock:
            samples = [sample.result() for sample in [self._sample(index) for index in indices]]
            fit = self.room // _bytes_of(samples[0])
            count = len(self.ids)
            for step in range(1, 1 + min(NEXT, fit, count)):
                self._sample((indices[-1] + step) % count)
            while len(self._kept) > fit:
                wait([self._kept.popitem(last=False)[1]])  # `settle` would not know of it
        return self._together(samples)

    def settle(self) -> None:
        """Wait until no thread is at work."""
        with self._lock:
            wait([*self._kept.values()])

    def _sample(self, index: int) -> Future[Batch]:
        """The sample that is kept, or else is to be decoded; one that failed is tried again, as it would be alone."""
        sample = self._kept.pop(index, None)
        if sample is None or (sample.done() and sample.exception()):
            sample = self._pool.submit(self.dataset.batch, [index])
        self._kept[index] = sample
        return sample

    def _together(self, samples: Sequence[Batch]) -> Batch:
        x = self._joined([one.x for one in samples])
        truth = {task: self._joined([one.truth[task] for one in samples]) for task in samples[0].truth}
        return Batch(x, truth, tuple(name for one in samples for name in one.ids))

    def _joined(self, parts: Sequence[Tensor]) -> Tensor:
        shape = len(parts), *parts[0].shape[1:]
        return torch.cat([*parts], out=torch.empty(shape, dtype=parts[0].dtype, pin_memory=self.pinned))


def _bytes_of(sample: Batch) -> int:
    return sum(tensor.nbytes for tensor in (sample.x, *sample.truth.values()))


_everywhere: WeakSet[Ahead] = WeakSet()


def _settle() -> None:
    for dataset in [*_everywhere]:
        dataset.settle()


if hasattr(os, "register_at_fork"):
    # A copy of this process is to find no lock that a thread held, of a library that decodes, held for ever.
    os.register_at_fork(before=_settle)

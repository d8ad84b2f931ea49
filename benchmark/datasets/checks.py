"""Whether a data set from outside gives what was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..protocol.conforming import fault_of
from ..protocol.errors import BadInputError, blamed_on
from ..protocol.tasks.base import Task
from ..protocol.tasks.shapes import PLANE, fits, written
from ..protocol.types import Batch, Dataset
from .wrapped import Wrapped


@dataclass(frozen=True, eq=False)
class Verified(Wrapped):
    """`dataset`, each of whose batches is checked; `title` is what messages call it."""

    dataset: Dataset
    title: str
    tasks: Mapping[str, Task]
    size: tuple[int, int]

    def batch(self, indices: Sequence[int]) -> Batch:
        """The samples at `indices`; raises BadInputError if they are not as asked for."""
        batch: Batch = called(self.title, self.dataset.batch, indices)
        fault = self._fault(batch, [self.ids[index] for index in indices])
        if fault:
            raise BadInputError(f"{self.title}: {fault}")
        return batch

    def _fault(self, batch: object, ids: Sequence[str]) -> str | None:
        if not isinstance(batch, Batch):
            return f"batch returned a {type(batch).__name__}, not a Batch"
        if [*batch.ids] != [*ids]:
            return f"batch returned the samples {', '.join(batch.ids)}, asked for {', '.join(ids)}"
        x, wanted = batch.x, (len(ids), 3, *self.size)
        if not isinstance(x, Tensor) or x.dtype != torch.float32 or tuple(x.shape) != wanted:
            found = f"{x.dtype} {tuple(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
            return f"images must be float32 {wanted}, not {found}"
        if not bool(((x >= 0) & (x <= 1)).all()):
            return f"images must lie in [0, 1], not in [{x.min().item():g}, {x.max().item():g}]"
        lengths = {"B": len(ids), **dict(zip(PLANE, self.size, strict=True))}
        for name, task in self.tasks.items():
            truth = batch.truth.get(name)
            if not isinstance(truth, Tensor) or not fits(task.truth_shape, truth.shape, dict(lengths)):
                found = f"is {tuple(truth.shape)}" if isinstance(truth, Tensor) else "is not there"
                return f"the ground truth of task {name} {found}; it must be {written(task.truth_shape, lengths)}"
        return None


def verified_dataset(
    make: Callable[[], Dataset], title: str, tasks: Mapping[str, Task], size: tuple[int, int], images: int | None
) -> Dataset:
    """What `make` gives, with a check of every batch.

    Raises BadInputError, which begins with `title`, if it is no data set, or not of so many images.
    """
    dataset = called(title, make)
    fault = fault_of(dataset, Dataset)
    if fault:
        raise BadInputError(f"{title} {fault}")
    if not re.fullmatch("[0-9a-f]{64}", dataset.sha256):
        raise BadInputError(f"{title}: sha256 must be 64 hexadecimal digits, not {dataset.sha256[:80]!r}")
    if not dataset.ids or len({*dataset.ids}) < len(dataset.ids):
        raise BadInputError(f"{title}: ids must name at least one sample, and each once")
    if images is not None and len(dataset.ids) != images:
        raise BadInputError(f"{title} has {len(dataset.ids)} images, asked for {images}")
    return Verified(dataset, title, tasks, size)


def called(title: str, function: Callable[..., Any], *given: object) -> Any:
    """What the function returns; what code from outside raises becomes BadInputError."""
    with blamed_on(f"{title} fails"):
        return function(*given)

"""Data sets in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ..protocol.errors import BadInputError
from ..protocol.tasks.base import Task
from ..protocol.types import Batch, Dataset
from .checks import Verified, called, verified_dataset
from .wrapped import Wrapped


@dataclass(frozen=True, eq=False)
class First(Wrapped):
    """The first `count` samples of a data set."""

    dataset: Dataset
    count: int

    @property
    def ids(self) -> tuple[str, ...]:
        return self.dataset.ids[: self.count]

    def batch(self, indices: Sequence[int]) -> Batch:
        return self.dataset.batch(indices)


def dataset_object(dataset: Dataset, tasks: Mapping[str, Task], images: int | None) -> tuple[Dataset, tuple[int, int]]:
    """The first `images` samples of a data set, or all for None, every batch checked, and the images' size.

    Raises BadInputError if it is none, has not so many images, or no truth of `tasks`.
    """
    title = f"the data set {getattr(dataset, 'name', type(dataset).__name__)!r}"
    whole = verified_dataset(lambda: dataset, title, tasks, (0, 0), None)
    count = len(whole.ids)
    if images is not None and not 1 <= images <= count:
        raise BadInputError(f"{title} has 1 to {count} images, not {images}")
    x = getattr(called(title, dataset.batch, [0]), "x", None)
    height, width = x.shape[-2:] if isinstance(x, Tensor) and x.dim() >= 2 else (0, 0)
    data = Verified(dataset if images is None else First(dataset, images), title, tasks, (height, width))
    data.batch([0])
    return data, (height, width)


def inner_dataset(dataset: Dataset) -> Dataset:
    """The data set inside of one that checks it or shows a part of it."""
    return inner_dataset(dataset.dataset) if isinstance(dataset, Verified | First) else dataset

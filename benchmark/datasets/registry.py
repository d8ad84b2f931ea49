"""Every data set by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, cast

from ..protocol.arguments import folder, image_size, whole
from ..protocol.registry import Registry
from ..protocol.tasks.base import Task
from ..protocol.types import Dataset

DATASETS: Registry[Any] = Registry(
    "data set",
    {
        "rooms3": "mtrbench.benchmark.datasets.rooms:rooms3",
        "rooms5": "mtrbench.benchmark.datasets.rooms:rooms",
        "nyuv2": "mtrbench.benchmark.datasets.nyuv2:nyuv2",
    },
    group="mtrbench.datasets",
)

TRAINING: Registry[Any] = Registry(
    "training set",
    {
        "rooms3": "mtrbench.benchmark.datasets.rooms:TrainingScenes",
        "rooms5": "mtrbench.benchmark.datasets.rooms:TrainingScenes",
    },
)
"""Called with seed, count, size and tasks, and with a `split` to validate on; items are (x, truth), no batch axis."""


def load_dataset(
    name: str,
    tasks: Mapping[str, Task],
    *,
    root: str | PathLike[str] | None = None,
    size: int | tuple[int, int] = (64, 64),
    images: int | None = None,
) -> Dataset:
    """The data set called `name`, with the ground truth of `tasks`, its first `images` samples, at `size` (H, W).

    A size of one number is that of both sides; `root` is the folder of its files, for data sets that are not embedded.
    Raises BadInputError for an unknown name, for files that are missing or broken, and for a task without ground truth
    there.
    """
    factory = cast(Callable[..., Dataset], DATASETS.get(name))
    return factory(
        tasks=tasks,
        root=folder(root, "the root of a data set"),
        size=image_size(size),
        images=None if images is None else whole(images, "images"),
    )

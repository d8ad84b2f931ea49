"""Every data set by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, cast

from ..protocol.arguments import DataRoot, image_size, root_of, whole
from ..protocol.conforming import call_fault
from ..protocol.errors import BadInputError
from ..protocol.registry import Registry

if TYPE_CHECKING:  # names can be listed without torch
    from ..protocol.tasks.base import Task
    from ..protocol.types import Dataset


def _factory(found: object, name: str) -> Callable[..., Dataset]:
    fault = call_fault(found, tasks={}, root=None, size=(64, 64), images=None)
    if fault:
        raise BadInputError(f"data set {name!r} {fault}; it must be a function of these that gives a Dataset")
    return cast(Callable[..., "Dataset"], found)


def _scenes(found: object, name: str) -> Callable[..., Any]:
    fault = call_fault(found, tasks={}, seed=0, count=1, size=(64, 64), split=0)
    if fault:
        raise BadInputError(f"training set {name!r} {fault}")
    return cast(Callable[..., Any], found)


DATASETS: Registry[Callable[..., Dataset]] = Registry(
    "data set",
    {
        "rooms3": "mtrbench.benchmark.datasets.rooms:rooms3",
        "rooms5": "mtrbench.benchmark.datasets.rooms:rooms",
        "nyuv2": "mtrbench.benchmark.datasets.nyuv2:nyuv2",
        "taskonomy": "mtrbench.benchmark.datasets.taskonomy:taskonomy",
        "cityscapes": "mtrbench.benchmark.datasets.cityscapes:cityscapes",
    },
    _factory,
    group="mtrbench.datasets",
)

TRAINING: Registry[Callable[..., Any]] = Registry(
    "training set",
    {
        "rooms3": "mtrbench.benchmark.datasets.rooms:TrainingScenes",
        "rooms5": "mtrbench.benchmark.datasets.rooms:TrainingScenes",
    },
    _scenes,
)
"""Called with seed, count, size and tasks, and with a `split` to validate on; items are (x, truth), no batch axis."""


def at_root(name: str, root: DataRoot | None) -> Callable[..., Dataset]:
    """What makes the data set called `name`, given its folder, and the files' format there if one is said.

    Raises BadInputError for an unknown name, and for a format of a data set that has but one.
    """
    factory = DATASETS.get(name)
    if root is None:
        return partial(factory, root=None)
    if root.format is None:
        return partial(factory, root=root.folder)
    if "format" not in inspect.signature(factory).parameters:
        raise BadInputError(f"data set {name} has one format; leave out {root.format}")
    return partial(factory, root=root.folder, format=root.format)


def load_dataset(
    name: str,
    tasks: Mapping[str, Task],
    *,
    root: str | PathLike[str] | None = None,
    size: int | tuple[int, int] = (64, 64),
    images: int | None = None,
) -> Dataset:
    """The data set called `name`, with the ground truth of `tasks`, its first `images` samples, at `size` (H, W).

    A size of one number is that of both sides; `root` is the folder of its files, for data sets that are not embedded,
    as a `DataRoot` with their format.
    Raises BadInputError for an unknown name, for files that are missing or broken, and for a task without ground truth
    there; a data set from outside also raises it for batches that are not as asked for.
    """
    from .checks import verified_dataset

    height, width = image_size(size)
    count = None if images is None else whole(images, "images")
    make = partial(at_root(name, root_of(root)), tasks=tasks, size=(height, width), images=count)
    if name in DATASETS.entries:
        return make()
    return verified_dataset(make, f"data set {name!r}", tasks, (height, width), count)

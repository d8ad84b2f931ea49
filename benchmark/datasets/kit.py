"""Whether a data set is one: what keys, workers and boards rely on, each with what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from types import MappingProxyType

import torch

from ..protocol.errors import BadInputError
from ..protocol.findings import Finding
from ..protocol.tasks.base import Task
from ..protocol.tasks.registry import Described, make_tasks
from ..protocol.tasks.shapes import PLANE
from ..protocol.types import Batch, Dataset
from .checks import verified_dataset
from .registry import DATASETS

IMAGES = 6
OTHER = (40, 56)
"""Another size than that which is asked for."""


@dataclass(frozen=True)
class Scene:
    """A data set by what makes it, the tasks that it has truth for, and the size of images."""

    make: Callable[..., Dataset]
    tasks: Mapping[str, Task]
    size: tuple[int, int]

    def dataset(self, images: int | None = IMAGES, size: tuple[int, int] | None = None) -> Dataset:
        """Its first images, with every batch checked."""
        size = size or self.size
        make = partial(self.make, tasks=self.tasks, size=size, images=images)
        return verified_dataset(make, "it", self.tasks, size, images)


def batches(scene: Scene) -> Finding:
    """Images are float32 in [0, 1] of the size asked for, and every task takes its ground truth."""
    dataset = scene.dataset()
    batch = dataset.batch(range(IMAGES))
    lengths = {"B": IMAGES, **dict(zip(PLANE, scene.size, strict=True))}
    for name, task in scene.tasks.items():
        shape = [lengths.get(axis, 1) if isinstance(axis, str) else axis for axis in task.prediction_shape]
        task.statistics(torch.zeros(IMAGES, *shape), batch.truth[name])
        known = task.valid(batch.truth[name])
        if not bool(known.any()):
            return Finding("fail", f"there is no ground truth of {name} on {IMAGES} images")
    return Finding("pass", f"{IMAGES} images of {scene.size[0]} x {scene.size[1]}, {', '.join(scene.tasks)}")


def samples_apart(scene: Scene) -> Finding:
    """A sample has the same bits alone, in a batch, in another order, and from a data set made anew."""
    whole = scene.dataset().batch(range(IMAGES))
    for how, indices in {"alone": [1], "in another order": [*range(IMAGES)][::-1], "made anew": [0, 2]}.items():
        fault = _difference(scene.dataset().batch(indices), whole, indices)
        if fault:
            return Finding("fail", f"{fault} differ {how}")
    return Finding("pass", "alone, in another order and made anew")


def first_images(scene: Scene) -> Finding:
    """Fewer images are the first of more, with the same names."""
    few, more = scene.dataset(2), scene.dataset()
    if few.ids != more.ids[:2]:
        return Finding("fail", f"the first 2 of {IMAGES} are {', '.join(more.ids[:2])}, alone {', '.join(few.ids)}")
    fault = _difference(few.batch([0, 1]), more.batch([0, 1]), [0, 1])
    return Finding("fail", f"{fault} of the first 2 images differ") if fault else Finding("pass", ", ".join(few.ids))


def digest(scene: Scene) -> Finding:
    """The digest is the same for the same samples, and another one at another size, unless that is refused."""
    here, again = scene.dataset(), scene.dataset()
    if here.sha256 != again.sha256:
        return Finding("fail", "sha256 changes from one time to the next")
    try:
        other = scene.dataset(size=OTHER)
    except BadInputError as error:
        return Finding("pass", f"{here.sha256[:12]}..., and no other size: {error}")
    if here.sha256 == other.sha256:
        return Finding("fail", f"sha256 is the same for images of {scene.size} and of {OTHER}")
    return Finding("pass", f"{here.sha256[:12]}..., at another size {other.sha256[:12]}...")


def unknown_tasks(scene: Scene) -> Finding:
    """A task that it has no truth for is refused in one line, and not left out in silence."""
    strange = {"task-that-nobody-has": next(iter(scene.tasks.values()))}
    try:
        scene.make(tasks=strange, size=scene.size, images=1)
    except BadInputError as error:
        return Finding("pass", str(error))
    return Finding("fail", "it takes a task called task-that-nobody-has")


PROPERTIES: Mapping[str, Callable[[Scene], Finding]] = MappingProxyType(
    {
        "batches": batches,
        "samples-apart": samples_apart,
        "first-images": first_images,
        "digest": digest,
        "unknown-tasks": unknown_tasks,
    }
)


def examine_dataset(
    name: str,
    tasks: Mapping[str, Described],
    root: str | PathLike[str] | None = None,
    size: tuple[int, int] = (64, 64),
) -> dict[str, Finding]:
    """What was found of every property of the data set `name`, on its first images with the truth of `tasks`.

    A data set that raises inside a property lacks it. Raises BadInputError if there is none of that name.
    """
    scene = Scene(partial(DATASETS.get(name), root=root), make_tasks(tasks), size)
    found = {}
    for title, check in PROPERTIES.items():
        try:
            found[title] = check(scene)
        except Exception as error:  # a data set may raise anything
            found[title] = Finding.of(error)
    return found


def _difference(batch: Batch, whole: Batch, indices: Sequence[int]) -> str | None:
    """What of the samples at `indices` differs from `whole`."""
    rows = [*indices]
    pairs = {"images": (batch.x, whole.x[rows])}
    pairs |= {f"truths of {name}": (truth, whole.truth[name][rows]) for name, truth in batch.truth.items()}
    for what, (one, other) in pairs.items():
        if not torch.allclose(one.double(), other.double(), rtol=0, atol=0, equal_nan=True):
            return what
    return None

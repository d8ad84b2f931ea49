"""What to train on: the images of a data set's train split, and those held out of it to choose weights by."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from os import PathLike

from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from ..protocol.arguments import root_of
from ..protocol.errors import BadInputError
from ..protocol.tasks.base import Task
from ..protocol.types import Dataset
from .registry import DATASETS, TRAINING, at_root
from .rooms.training import VALIDATION

Scene = tuple[Tensor, dict[str, Tensor]]
Scenes = TorchDataset[Scene]


@dataclass(frozen=True)
class Part(TorchDataset[Scene]):
    """The samples of `dataset` at `indices`; item i is (x, truth) without a batch axis."""

    dataset: Dataset
    indices: tuple[int, ...]

    @cached_property
    def sha256(self) -> str:
        """Digest of everything that the samples depend on."""
        return hashlib.sha256("\n".join([self.dataset.sha256, *self.ids]).encode()).hexdigest()

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self.dataset.ids[index] for index in self.indices)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Scene:
        if not 0 <= index < len(self.indices):
            raise IndexError(index)
        batch = self.dataset.batch([self.indices[index]])
        return batch.x[0], {task: truth[0] for task, truth in batch.truth.items()}


def held_out(ids: Sequence[str], count: int) -> list[int]:
    """Which `count` of the samples are never trained on, in their order: those whose ids' sha256 are the lowest.

    The choice depends on names alone. Whatever is added to or missing from a copy of the data, a sample changes sides
    only if the bound moves past it.
    """
    order = sorted(range(len(ids)), key=lambda index: hashlib.sha256(f"validation {ids[index]}".encode()).digest())
    return sorted(order[:count])


def load_training(
    name: str,
    tasks: Mapping[str, Task],
    *,
    size: tuple[int, int],
    seed: int,
    count: int | None = None,
    validation: int = 0,
    root: str | PathLike[str] | None = None,
) -> tuple[Scenes, Scenes | None]:
    """Images to train on and `validation` images to choose weights by (None for 0), with the truth of `tasks`.

    Where training images are generated, `count` from `seed`; elsewhere the first `count` of the train split, or all,
    less those of it that are held out. Raises BadInputError for a data set without either, and for counts that it does
    not have.
    """
    if name in TRAINING:
        if root is not None:
            raise BadInputError(f"data set {name} is part of the package and reads no folder; leave out root {root}")
        if count is None:
            raise BadInputError(f"training images of {name} are generated: say how many, as scenes in the recipe")
        make = partial(TRAINING.get(name), seed=seed, size=size, tasks=tasks)
        return make(count=count), make(count=validation, split=VALIDATION) if validation else None
    factory = DATASETS.get(name)
    if "split" not in inspect.signature(factory).parameters:
        raise BadInputError(f"data set {name} has no train split")
    dataset = at_root(name, root_of(root))(tasks=tasks, size=size, split="train")
    apart = held_out(dataset.ids, validation)
    rest = [index for index in range(len(dataset.ids)) if index not in {*apart}]
    if not rest or (count is not None and count > len(rest)):
        raise BadInputError(
            f"data set {name} has {len(dataset.ids)} training images: too few for {count or 'any'} to train on and "
            f"{validation} to validate on"
        )
    return Part(dataset, tuple(rest[:count])), Part(dataset, tuple(apart)) if apart else None

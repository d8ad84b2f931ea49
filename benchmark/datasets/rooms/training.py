"""Scenes to train on, rendered as they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor
from torch.utils.data import Dataset

from .render import render
from .truth import images, known, truth

if TYPE_CHECKING:
    from collections.abc import Iterable

EVALUATION, TRAINING, VALIDATION = range(3)
"""The first number of a scene's key, so that no two uses share a scene."""


class TrainingScenes(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """`count` scenes of (height, width) `size`; item i is x (3, H, W) with the truth of `tasks`, no batch axis.

    Item i is the scene (split, seed, i): `split` TRAINING to train, VALIDATION to choose among checkpoints. Raises
    BadInputError if rooms has no ground truth for a task.
    """

    def __init__(
        self,
        seed: int,
        count: int,
        size: tuple[int, int],
        tasks: Iterable[str],
        split: int = TRAINING,
    ) -> None:
        self.seed, self.count, self.size, self.split = seed, count, size, split
        self.tasks = known(tasks)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        if not 0 <= index < self.count:
            raise IndexError(index)
        arrays = render((self.split, self.seed, index), self.size)
        return images(arrays), truth(arrays, self.tasks)

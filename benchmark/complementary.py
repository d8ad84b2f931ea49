"""Which attacks belong together: the few of many candidates whose worst case per image does the most damage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .protocol.damage import Array, on_images, on_split
from .protocol.errors import BadInputError
from .protocol.tasks.base import Task

LEAST_GAIN = 0.01
"""What a member must add to the score of those before it, as a share of that score."""


@dataclass(frozen=True)
class Outcomes:
    """What M candidates did to the n images of one model: `attacked[task]` (M, n, S), and the clean sums `clean` (S,).

    Raises BadInputError, naming `title`, if the ARD of a candidate is undefined or none of them does any damage.
    """

    title: str
    tasks: Mapping[str, Task]
    clean: Mapping[str, Array]
    attacked: Mapping[str, Array]

    def __post_init__(self) -> None:
        if not np.isfinite(self.singles).all() or self.singles.max() <= 0:
            raise BadInputError(f"{self.title}: a candidate's ARD is undefined, or none is above 0; choose other ones")

    @cached_property
    def singles(self) -> Array:
        """ARD of every candidate alone, (M,)."""
        return on_split(self.tasks, self.clean, {name: value.sum(axis=1) for name, value in self.attacked.items()})

    @cached_property
    def _scores(self) -> Array:
        return on_images(self.tasks, self.clean, self.attacked)

    def ard(self, members: Sequence[int]) -> float:
        """ARD of the worst of `members` per image, by the score of `on_images`; the first wins a tie."""
        chosen = np.asarray(members)[self._scores[list(members)].argmax(axis=0)]
        images = np.arange(len(chosen))
        totals = {name: value[chosen, images].sum(axis=0) for name, value in self.attacked.items()}
        return float(on_split(self.tasks, self.clean, totals))


@dataclass(frozen=True)
class Step:
    """A candidate joins those before it: `value` is the mean relative ARD with it, `gain` what it adds to that."""

    member: int
    value: float
    gain: float


def mean_relative_ard(models: Sequence[Outcomes], members: Sequence[int]) -> float:
    """Mean over models of the members' ARD together, divided by that of the model's best single candidate."""
    return float(np.mean([model.ard(members) / model.singles.max() for model in models]))


def greedy(models: Sequence[Outcomes], costs: Array, last_resorts: Sequence[int]) -> list[Step]:
    """Members one by one, by `mean_relative_ard` on `models`; of equal ones the first candidate.

    The first is the best alone. Then, of those that add at least LEAST_GAIN of the value so far, the one that adds the
    most per its cost, `costs` (M,) > 0, until there is none. At the end, if none of `last_resorts` is in, the best of
    these, whatever it adds: attacks that need no gradients, against models that hide theirs.
    """
    everyone = range(len(costs))

    def value(members: Sequence[int]) -> float:
        return mean_relative_ard(models, members)

    def step(before: Sequence[Step], member: int) -> Step:
        now = before[-1].value if before else 0.0
        then = value([*(taken.member for taken in before), member])
        return Step(member, then, then - now)

    taken = [max((step([], member) for member in everyone), key=lambda found: found.value)]
    while True:
        left = [step(taken, member) for member in everyone if member not in [one.member for one in taken]]
        enough = [found for found in left if found.gain >= LEAST_GAIN * taken[-1].value]
        if not enough:
            break
        taken.append(max(enough, key=lambda found: found.gain / costs[found.member]))
    if last_resorts and not {one.member for one in taken} & {*last_resorts}:
        resorts = [step(taken, member) for member in last_resorts]
        taken.append(max(resorts, key=lambda found: (found.value, value([found.member]))))
    return taken

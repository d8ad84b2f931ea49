"""Rounds of attacks: each round goes on from the most damaging images so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...benchmark.protocol.damage import Array, least_on_images, on_images
from ...benchmark.protocol.errors import BadInputError, unknown
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.tasks.base import Task
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Attack, Batch, MultiTaskModel
from ..naming import split_at_commas
from ..starts import starting_at
from .worst_of import clean_sums, digest, load_all, prepared, statistics

Places = NDArray[np.signedinteger[Any]]
Score = Callable[[Mapping[str, Task], Mapping[str, Array], Mapping[str, Array]], Array]

GOALS: Mapping[str, Score] = {"ard": on_images, "worst-task": least_on_images}
"""What images are compared by: the mean of the tasks' damages, or the smallest of them."""


@dataclass(frozen=True)
class InTurn:
    """Runs rounds of attacks, and keeps of every image the most damaging one so far, from which the next round goes on.

    `rounds` are separated by semicolons, the attacks of a round by commas, each a name as in `worst-of`, with settings
    in brackets. Attacks of the first round begin as they do alone, those of later ones at the images so far if they can
    (APGD, unless it starts at random), else anew. Images are compared by `goal` over the tasks that the attacker sees:
    `ard`, the score of `on_images`, or `worst-task`, that of `least_on_images`. After each round but the first an image
    is done if the round raised its score by less than `least` of it. On the images that are left it costs the members'
    passes and, per member, one forward pass for the score and after the first round one for the clean losses; one
    forward pass per image for the clean scores. Without `fitted` before, a call takes its own batch for the split.
    `version` changes with any version or setting of a member. Raises BadInputError for an attack or a goal that is
    unknown, and unless 0 <= least < 1.
    """

    code: ClassVar[int] = 1
    examples: ClassVar[tuple[str, ...]] = ("total-pgd;dgba-apgd",)

    rounds: str
    goal: str = "ard"
    least: float = 0.0

    def __post_init__(self) -> None:
        if self.goal not in GOALS:
            raise unknown("goal of in-turn", self.goal, GOALS)
        if not 0 <= self.least < 1:
            raise BadInputError(f"least of in-turn must be at least 0 and below 1, not {self.least}")
        load_all(self.member_names)

    @property
    def members_by_round(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(split_at_commas(part)) for part in self.rounds.split(";"))

    @property
    def member_names(self) -> tuple[str, ...]:
        return tuple(name for part in self.members_by_round for name in part)

    @property
    def version(self) -> str:
        return f"{self.code}.{digest(self.member_names)}"

    def fitted(self, model: MultiTaskModel, split: Sequence[Batch], threat: ThreatModel, noise: Noise) -> Attack:
        rounds = map(load_all, self.members_by_round)
        return in_turn(rounds, GOALS[self.goal], self.least, model, split, threat, noise)

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return self.fitted(model, [batch], threat, noise)(model, batch, threat, noise)


@dataclass(frozen=True, eq=False)
class Rounds:
    """The attacks of every round; `clean[task]` (S,) are the statistics of the clean split, added up."""

    attacks: tuple[tuple[Attack, ...], ...]
    score: Score
    least: float
    clean: Mapping[str, Array]

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        so_far = _SoFar(batch.x.clone(), {})
        going = np.arange(len(batch.ids))
        for number, attacks in enumerate(self.attacks):
            own, starts = batch.take(going.tolist()), so_far.x[going]
            before = so_far.at(going)
            for attack in attacks:
                found = (starting_at(attack, starts) if number else attack)(model, own, threat, noise)
                made = statistics(model, own.at(found))
                if so_far.statistics:
                    old, new = self._scores(model, so_far.at(going), made)
                    so_far.take(going, found, made, new > old)
                else:
                    so_far = _SoFar(found.clone(), made)
            if number:
                old, new = self._scores(model, before, so_far.at(going))
                going = going[new - old >= self.least * np.abs(new)]
            if not len(going):
                break
        return so_far.x

    def _scores(self, model: MultiTaskModel, *made: Mapping[str, Array]) -> Array:
        return self.score(model.tasks, self.clean, {name: np.stack([m[name] for m in made]) for name in model.tasks})


@dataclass
class _SoFar:
    """The most damaging images so far, and the statistics of the answers to them, none before the first attack."""

    x: Tensor
    statistics: dict[str, Array]

    def at(self, places: Places) -> dict[str, Array]:
        return {name: values[places] for name, values in self.statistics.items()}

    def take(self, places: Places, x: Tensor, made: Mapping[str, Array], better: NDArray[np.bool_]) -> None:
        self.x[places[better]] = x[torch.from_numpy(better).to(x.device)]
        for name, values in self.statistics.items():
            values[places[better]] = made[name][better]


def in_turn(
    rounds: Iterable[Sequence[Attack]],
    score: Score,
    least: float,
    model: MultiTaskModel,
    split: Sequence[Batch],
    threat: ThreatModel,
    noise: Noise,
) -> Rounds:
    """The attacks made ready for `split`, with the clean statistics that their score is relative to."""
    ready = tuple(prepared(attacks, model, split, threat, noise) for attacks in rounds)
    return Rounds(ready, score, least, clean_sums(model, split))

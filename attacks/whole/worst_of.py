"""Several attacks, and of every image the one that does the most damage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ...benchmark.protocol.damage import Array, on_images
from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Attack, Batch, MultiTaskModel, SplitAttack
from ..naming import split_at_commas
from ..registry import describe, load_attack


@dataclass(frozen=True)
class WorstOf:
    """Runs the attacks named in `members` and keeps, per image, the one with the largest damage by the score.

    The score of an image is that of `on_images` over the tasks that the attacker sees, relative to the clean values
    over the whole split; the first member wins a tie. `members` are names separated by commas, with settings in
    brackets (`dgba-apgd[steps=40],square`) or else their defaults. It costs the members' passes, one forward pass per
    member for its score and one for the clean values. Without `fitted` before, a call takes its own batch for the
    split. `version` changes with any version or setting of a member. Raises BadInputError for fewer than two members,
    the same one twice, one that is unknown, and a `worst-of` among them.
    """

    code: ClassVar[int] = 1
    examples: ClassVar[tuple[str, ...]] = ("total-pgd,dgba-pgd",)

    members: str

    def __post_init__(self) -> None:
        for name in self.member_names:
            if name.partition(":")[0] == "worst-of":
                raise BadInputError(f"member {name!r} of worst-of is a worst-of itself; name its members instead")
        made = self.attacks
        for name, attack in zip(self.member_names, made, strict=True):
            if made.count(attack) > 1:
                raise BadInputError(f"member {name!r} of worst-of is there twice; name it once")
        if len(made) < 2:
            raise BadInputError(f"worst-of has the one member {self.members!r}; write worst-of:{self.members},square")

    @property
    def member_names(self) -> tuple[str, ...]:
        """The members' names; a comma in brackets separates settings."""
        return tuple(split_at_commas(self.members))

    @property
    def attacks(self) -> tuple[Attack, ...]:
        return load_all(self.member_names)

    @property
    def version(self) -> str:
        return f"{self.code}.{digest(self.member_names)}"

    def fitted(self, model: MultiTaskModel, split: Sequence[Batch], threat: ThreatModel, noise: Noise) -> Attack:
        return worst_of(self.attacks, model, split, threat, noise)

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return self.fitted(model, [batch], threat, noise)(model, batch, threat, noise)


@dataclass(frozen=True, eq=False)
class Worst:
    """Per image the worst of `attacks`; `clean[task]` (S,) are the statistics of the clean split, added up."""

    attacks: tuple[Attack, ...]
    clean: Mapping[str, Array]

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        found = [attack(model, batch, threat, noise) for attack in self.attacks]
        made = [statistics(model, batch.at(x)) for x in found]
        scores = on_images(model.tasks, self.clean, {name: np.stack([m[name] for m in made]) for name in model.tasks})
        images = torch.stack(found)
        return images[torch.from_numpy(scores.argmax(axis=0)).to(images.device), torch.arange(len(batch.ids))]


def worst_of(
    attacks: Sequence[Attack], model: MultiTaskModel, split: Sequence[Batch], threat: ThreatModel, noise: Noise
) -> Worst:
    """The attacks made ready for `split`, with the clean statistics that their score is relative to."""
    return Worst(prepared(attacks, model, split, threat, noise), clean_sums(model, split))


def prepared(
    attacks: Sequence[Attack], model: MultiTaskModel, split: Sequence[Batch], threat: ThreatModel, noise: Noise
) -> tuple[Attack, ...]:
    """The attacks, those that look at the split first made ready for it."""
    return tuple(
        attack.fitted(model, split, threat, noise) if isinstance(attack, SplitAttack) else attack for attack in attacks
    )


def clean_sums(model: MultiTaskModel, split: Sequence[Batch]) -> dict[str, Array]:
    """Every task's statistics of the clean split, added up, (S,)."""
    clean = [statistics(model, batch) for batch in split]
    return {name: sum(part[name].sum(axis=0) for part in clean) for name in model.tasks}


@torch.no_grad()
def statistics(model: MultiTaskModel, batch: Batch) -> dict[str, Array]:
    """Every task's statistics of the model's answers, (B, S), in one forward pass."""
    predictions = model(batch.x)
    return {
        name: task.statistics(predictions[name], batch.truth[name]).cpu().numpy() for name, task in model.tasks.items()
    }


def load_all(names: Sequence[str]) -> tuple[Attack, ...]:
    """The attacks of these names."""
    return tuple(load_attack(name) for name in names)


def digest(names: Sequence[str]) -> str:
    """Eight hexadecimal digits of the attacks' names, versions and settings: other ones, and other results, differ."""
    content = [[name, *describe(name, attack)] for name, attack in zip(names, load_all(names), strict=True)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]

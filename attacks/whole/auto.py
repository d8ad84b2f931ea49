"""AUTO: the standard evaluation, without parameters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ...benchmark.protocol.errors import BadInputError, unknown
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Attack, Batch, MultiTaskModel
from ..parts import tasks_of
from .in_turn import GOALS, in_turn
from .worst_of import digest, load_all

ROUNDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "ard": (("total-apgd@score[steps=120]",),),
    "worst-task": (("dgba-apgd@score[steps=120]",),),
}
"""The members by goal and round: docs/decisions/006 says how they were chosen."""


@dataclass(frozen=True)
class Auto:
    """The standard evaluation: ascends for 120 steps the very damage that images are scored by.

    `goal` is `ard`, all tasks together, the standard evaluation; or `worst-task`, the task that is hit least. Nothing
    else is left to choose: the members are fixed, in rounds as `in-turn` runs them. Members that are after a task, or
    spare one, which the attacker does not see are left out. `version` changes with any member, and with any version or
    setting of one. Without `fitted` before, a call takes its own batch for the split.
    Raises BadInputError for an unknown goal, and if no member is left.
    """

    code: ClassVar[int] = 2

    goal: str = "ard"

    def __post_init__(self) -> None:
        if self.goal not in ROUNDS:
            raise unknown("goal of auto", self.goal, ROUNDS)

    @property
    def standard(self) -> bool:
        return self.goal == "ard"

    @property
    def member_names(self) -> tuple[str, ...]:
        return tuple(name for part in ROUNDS[self.goal] for name in part)

    @property
    def version(self) -> str:
        content = [*map(digest, ROUNDS[self.goal])]
        return f"{self.code}.{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:8]}"

    def fitted(self, model: MultiTaskModel, split: Sequence[Batch], threat: ThreatModel, noise: Noise) -> Attack:
        seen = [
            [attack for attack in load_all(part) if all(task in model.tasks for task in tasks_of(attack))]
            for part in ROUNDS[self.goal]
        ]
        if not any(seen):
            raise BadInputError(f"all of auto's members name a task that is not among {', '.join(model.tasks)}")
        return in_turn(filter(None, seen), GOALS[self.goal], 0.0, model, split, threat, noise)

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return self.fitted(model, [batch], threat, noise)(model, batch, threat, noise)

"""AUTO: the standard evaluation, without parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Attack, Batch, MultiTaskModel
from ..parts import tasks_of
from .worst_of import digest, load_all, worst_of

MEMBERS: tuple[str, ...] = (
    "total-apgd@aligned",
    "single:normals-apgd@aligned",
    "dgba-apgd",
    "square[queries=200]",
)
"""What `python -m mtrbench.cli.select_auto` finds, the black box last; docs/protocol.md says how."""


@dataclass(frozen=True)
class Auto:
    """Per image the worst of a fixed list of attacks, MEMBERS, as `worst-of` does it: nothing is left to choose.

    Members that are after a task, or spare one, which the attacker does not see are left out. `version` changes with
    any member, and with any version or setting of one. Without `fitted` before, a call takes its own batch for the
    split. Raises BadInputError if no member is left.
    """

    code: ClassVar[int] = 1

    member_names: ClassVar[tuple[str, ...]] = MEMBERS
    standard: ClassVar[bool] = True

    @property
    def version(self) -> str:
        return f"{self.code}.{digest(MEMBERS)}"

    def fitted(self, model: MultiTaskModel, split: Sequence[Batch], threat: ThreatModel, noise: Noise) -> Attack:
        members = [attack for attack in load_all(MEMBERS) if all(task in model.tasks for task in tasks_of(attack))]
        if not members:
            raise BadInputError(f"all of auto's members name a task that is not among {', '.join(model.tasks)}")
        return worst_of(members, model, split, threat, noise)

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return self.fitted(model, [batch], threat, noise)(model, batch, threat, noise)

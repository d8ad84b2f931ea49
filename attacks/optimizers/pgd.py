"""PGD: projected steps along the balancing's direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Batch, MultiTaskModel
from ..ascent import Ascent
from ..balancing.base import Balancing


@dataclass(frozen=True)
class PGD:
    """x_{k+1} = project(x_k + reach * eps / steps * direction(x_k)) (arXiv 1706.06083).

    With `reach` 1 and no random start, the default, this is the study's iterated FGSM (arXiv 2305.12066): the steps
    add up to the budget. One forward and the balancing's backward passes per step, one forward more with a random
    start, for the clean losses. Raises BadInputError unless steps >= 1 and reach > 0.
    """

    version: ClassVar[int] = 1

    balancing: Balancing
    steps: int = 10
    reach: float = 1.0
    random_start: bool = False

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise BadInputError(f"steps of pgd must be at least 1, not {self.steps}")
        if not self.reach > 0:
            raise BadInputError(f"reach of pgd must be above 0, not {self.reach}")

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        ascent = Ascent(self.balancing, model, batch, noise)
        x = batch.x
        if self.random_start:
            ascent.look_at_clean()
            x = threat.random_start(batch.x, batch.ids, noise)
        for _ in range(self.steps):
            direction = self.balancing.direction(ascent.fields(x), threat)
            x = threat.project(batch.x, x + self.reach * threat.eps / self.steps * direction)
        return x

"""PGD: projected steps along the balancing's direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.per_sample import each
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Batch, MultiTaskModel
from ..ascent import Ascent
from ..balancing.base import Balancing


@dataclass(frozen=True)
class PGD:
    """x_{k+1} = project(x_k + reach * eps / steps * direction(x_k)) (arXiv 1706.06083).

    With `reach` 1 and no random start, the default, this is the study's iterated FGSM (arXiv 2305.12066): the steps
    add up to the budget. With `restarts` above 1 every run starts at random, and each sample keeps the run that ended
    highest by the balancing's objective (`objective_of`). One forward and the balancing's backward passes per step, one
    forward more with a random start, for the clean losses, and one per run where there are several. Raises
    BadInputError unless steps >= 1, reach > 0, restarts >= 1, and several restarts start at random.
    """

    version: ClassVar[int] = 1

    balancing: Balancing
    steps: int = 10
    reach: float = 1.0
    random_start: bool = False
    restarts: int = 1

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise BadInputError(f"steps of pgd must be at least 1, not {self.steps}")
        if not self.reach > 0:
            raise BadInputError(f"reach of pgd must be above 0, not {self.reach}")
        if self.restarts < 1:
            raise BadInputError(f"restarts of pgd must be at least 1, not {self.restarts}")
        if self.restarts > 1 and not self.random_start:
            raise BadInputError("restarts of pgd all end alike without a random start; set random_start")

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        best, highest = self._run(model, batch, threat, noise, 0)
        for run in range(1, self.restarts):
            x, value = self._run(model, batch, threat, noise, run)
            better = value > highest
            best, highest = torch.where(each(better, x), x, best), torch.where(better, value, highest)
        return best

    def _run(
        self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise, run: int
    ) -> tuple[Tensor, Tensor]:
        """The end of one run, and its objective (B,), which nobody asks for if there is but one."""
        ascent = Ascent(self.balancing, model, batch, noise, threat)
        x = batch.x
        if self.random_start:
            ascent.look_at_clean()
            x = threat.random_start(batch.x, batch.ids, noise, draw=f"random-start-{run}")
        for _ in range(self.steps):
            direction = self.balancing.direction(ascent.fields(x), threat)
            x = threat.project(batch.x, x + self.reach * threat.eps / self.steps * direction)
        x = ascent.finish(x)
        return x, ascent.objective(x) if self.restarts > 1 else x.new_zeros(len(x))

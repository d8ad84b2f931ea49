"""SegPGD: PGD whose segmentation loss turns from the right pixels to the wrong ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from torch import Tensor

from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Batch, MultiTaskModel
from ..ascent import Ascent
from ..balancing.total import Total
from ..losses.ascending import with_losses
from ..losses.sets import segmentation
from ..optimizers.pgd import PGD


@dataclass(frozen=True)
class SegPGD:
    """PGD along grad_x sum_t L_t with, at step k of K, (1 - l) CE on right and l CE on wrong pixels, l = (k - 1) / 2K.

    The paper (arXiv 2207.12391) attacks segmentation alone; that other tasks are added with their training losses is
    ours, and a model without segmentation is attacked by TOTAL with PGD. As there, the start is drawn from the budget;
    `reach` makes a step 0.32 eps at 10 steps, which is 0.01 at eps = 8 / 255. One forward and one backward pass per
    step. Raises BadInputError unless steps >= 1 and reach > 0.
    """

    version: ClassVar[int] = 1

    steps: int = 10
    reach: float = 3.2
    random_start: bool = True

    def __post_init__(self) -> None:
        PGD(Total(), self.steps, self.reach)  # it has the rules for steps and reach

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        total, x = Total(), batch.x
        if self.random_start:
            x = threat.random_start(batch.x, batch.ids, noise, draw="random-start-0")
        for k in range(self.steps):
            loss = partial(segmentation.segpgd, wrong=k / (2 * self.steps))
            ascent = Ascent(total, with_losses(model, {"segmentation": loss}), batch, noise, threat)
            direction = total.direction(ascent.fields(x), threat)
            x = threat.project(batch.x, x + self.reach * threat.eps / self.steps * direction)
        return x

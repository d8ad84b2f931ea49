"""CosPGD: PGD on pixels weighted by how well they still agree with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Batch, MultiTaskModel
from ..balancing.total import Total
from ..losses.ascending import Ascending
from ..optimizers.pgd import PGD


@dataclass(frozen=True)
class CosPGD:
    """PGD along grad_x sum_t L_t, where a pixel of segmentation or normals weighs as much as it is right still.

    The weight is the cosine of answer and truth as distributions over the channels, a constant to the gradient: the set
    of losses `cospgd`. On one channel it is constant, and the rule that of PGD (arXiv 2302.02213); hence depth, and any
    task not named, keeps its training loss. The paper attacks one task; the sum over tasks is ours. As there, the start
    is drawn from the budget; `reach` makes a step 0.32 eps at 10 steps, which is 0.01 at eps = 8 / 255. One forward and
    one backward pass per step, and one forward for a random start. Raises BadInputError unless steps >= 1 and
    reach > 0.
    """

    version: ClassVar[int] = 1

    steps: int = 10
    reach: float = 3.2
    random_start: bool = True

    def __post_init__(self) -> None:
        self._attack()  # PGD has the rules for steps and reach

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        return self._attack()(model, batch, threat, noise)

    def _attack(self) -> Ascending:
        return Ascending(PGD(Total(), self.steps, self.reach, self.random_start), "cospgd")

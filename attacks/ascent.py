"""What every gradient-based optimizer does at an iterate: losses, then the balancing's fields."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..benchmark.protocol.noise import Noise
from ..benchmark.protocol.threat import ThreatModel
from ..benchmark.protocol.types import Batch, MultiTaskModel
from .balancing.base import Balancing, Finishing, Iterate, objective_of


@dataclass
class Ascent:
    """One attack on one batch under way; counts its iterates and keeps the clean losses and the balancing's memory."""

    balancing: Balancing
    model: MultiTaskModel
    batch: Batch
    noise: Noise
    threat: ThreatModel
    count: int = 0
    clean: dict[str, Tensor] = field(default_factory=dict)
    memory: dict[str, Tensor] = field(default_factory=dict)

    def look_at_clean(self) -> None:
        """Take the clean losses in a forward pass of their own, for attacks that do not start at the clean images."""
        with torch.no_grad():
            self.clean = self.model.losses(self.batch)

    def fields(self, x: Tensor) -> Tensor:
        """The balancing's fields (R, B, C, H, W) at `x`: one forward pass and the balancing's backward passes."""
        return self.fields_and_objective(x)[0]

    def fields_and_objective(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The fields at `x`, and what the balancing climbs there, (B,), out of the same forward pass."""
        at = self._iterate(x, self.count, self.memory)
        self.count += 1
        return self.balancing.fields(at), objective_of(self.balancing, at)

    def fields_beside(self, x: Tensor) -> Tensor:
        """The fields at a neighbour of the last iterate, which is neither counted nor remembered."""
        return self.balancing.fields(self._iterate(x, self.count - 1, dict(self.memory)))

    def objective(self, x: Tensor) -> Tensor:
        """What the balancing climbs, (B,), at `x`: one forward pass, and the iterates are not counted on."""
        with torch.no_grad():
            return objective_of(self.balancing, self._iterate(x, self.count, dict(self.memory)))

    def finish(self, x: Tensor) -> Tensor:
        """The attack's answer: `x`, or what the balancing makes of it at the end (its `finish`)."""
        if isinstance(self.balancing, Finishing):
            return self.balancing.finish(self._iterate(x, self.count, self.memory), self.batch.x)
        return x

    def _iterate(self, x: Tensor, index: int, memory: dict[str, Tensor]) -> Iterate:
        x = x.detach().requires_grad_()
        losses = self.model.losses(self.batch.at(x))
        if not self.clean:
            self.clean = {name: loss.detach() for name, loss in losses.items()}
        return Iterate(x, losses, self.clean, self.batch.ids, index, self.noise, memory, self.threat)

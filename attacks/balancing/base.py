"""What a balancing is, and the input gradients it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel

Losses = Mapping[str, Tensor]

# A loss may be zero (no valid pixel, or a perfect answer); its gradient is zero then too, and 0 / floor adds nothing.
FLOOR = 1e-12


@dataclass(frozen=True)
class Iterate:
    """What a balancing may look at: where an attack on a batch has got to.

    `losses` are per sample, (B,), and differentiable in `x`; `clean` are those of the clean images, constants. `index`
    counts the iterates from 0. `memory` is the balancing's own, kept from one iterate to the next. `threat` is the
    budget of the steps.
    """

    x: Tensor
    losses: Losses
    clean: Losses
    ids: tuple[str, ...]
    index: int
    noise: Noise
    memory: dict[str, Tensor]
    threat: ThreatModel


class Balancing(Protocol):
    """A way to make one ascent step out of several tasks' losses.

    The two halves are apart so that an optimizer may put momentum between them: it is linear in the fields. A balancing
    that climbs something else than the averaged relative loss change says so with a third method,
    `objective(at) -> Tensor (B,)`; see `objective_of`. One whose images have to meet more than the budget has a fourth,
    `finish(at, clean) -> Tensor (B, C, H, W)`: the images to return, made of the last iterate.
    """

    def fields(self, at: Iterate) -> Tensor:
        """The input gradients that the step rests on, (R, B, C, H, W): R = 1 if they are summed, T if kept apart."""
        ...

    def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
        """The step of unit size, (B, C, H, W), that the fields call for."""
        ...


def objective_of(balancing: Balancing, at: Iterate) -> Tensor:
    """What the balancing climbs, (B,), a constant: for optimizers that choose among iterates.

    Its own `objective` if it has one, else DGBA's averaged relative loss change, in which all tasks are alike.
    """
    own: Callable[[Iterate], Tensor] = getattr(balancing, "objective", relative_change)
    return own(at).detach()


def relative_change(at: Iterate) -> Tensor:
    """ARLC = mean_t (L_t - L_t(clean)) / |L_t(clean)|, (B,), without an infinity where a clean loss is 0."""
    changes = [(loss - at.clean[name]) / at.clean[name].abs().clamp(min=FLOOR) for name, loss in at.losses.items()]
    return torch.stack(changes).mean(dim=0)


def gradient_of_sum(terms: Losses, x: Tensor) -> Tensor:
    """grad_x sum_t terms_t for every sample as one field (1, B, C, H, W), in a single backward pass."""
    (gradient,) = torch.autograd.grad(torch.stack(list(terms.values())).sum(), x)
    return gradient.unsqueeze(0)


def gradients_apart(terms: Losses, x: Tensor) -> Tensor:
    """grad_x terms_t for every task apart, (T, B, C, H, W), in T backward passes."""
    return torch.stack(
        [torch.autograd.grad(term.sum(), x, retain_graph=True, materialize_grads=True)[0] for term in terms.values()]
    )

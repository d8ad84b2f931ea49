"""What a balancing is, and the input gradients it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.per_sample import gradient_of, mean_of_parts
from ...benchmark.protocol.tensors import Fields, Images, PerSample
from ...benchmark.protocol.threat import ThreatModel
from .relative import Losses, changes


@dataclass(frozen=True)
class Iterate:
    """What a balancing may look at: where an attack on a batch has got to.

    `losses` are differentiable in `x`; `clean` are those of the clean images, constants. `index`
    counts the iterates from 0. `memory` is the balancing's own, kept from one iterate to the next. `threat` is the
    budget of the steps.
    """

    x: Images
    losses: Losses
    clean: Losses
    ids: tuple[str, ...]
    index: int
    noise: Noise
    memory: dict[str, Tensor]
    threat: ThreatModel


@runtime_checkable
class Balancing(Protocol):
    """A way to make one ascent step out of several tasks' losses.

    The two halves are apart so that an optimizer may put momentum between them: it is linear in the fields. One that
    climbs something else than the averaged relative loss change is `WithObjective`; one whose images have to meet more
    than the budget is `Finishing`.
    """

    def fields(self, at: Iterate) -> Fields:
        """The input gradients that the step rests on: one row if they are summed, a row per task if kept apart."""
        ...

    def direction(self, fields: Fields, threat: ThreatModel) -> Images:
        """The step of unit size that the fields call for."""
        ...


@runtime_checkable
class WithObjective(Protocol):
    """A balancing that says what it climbs."""

    def objective(self, at: Iterate) -> PerSample:
        """What the balancing climbs: optimizers that choose among iterates keep the highest."""
        ...


@runtime_checkable
class Finishing(Protocol):
    """A balancing with the last word on the images."""

    def finish(self, at: Iterate, clean: Images) -> Images:
        """The images to return, made of the last iterate and the clean ones."""
        ...


def objective_of(balancing: Balancing, at: Iterate) -> PerSample:
    """What the balancing climbs, a constant: for optimizers that choose among iterates.

    Its own `objective` if it has one, else DGBA's averaged relative loss change, in which all tasks are alike.
    """
    climbed = balancing.objective(at) if isinstance(balancing, WithObjective) else relative_change(at)
    return climbed.detach()


def relative_change(at: Iterate) -> PerSample:
    """ARLC = mean_t (L_t - L_t(clean)) / |L_t(clean)|, without an infinity where a clean loss is 0."""
    return mean_of_parts([*changes(at.losses, at.clean).values()])


def gradient_of_sum(terms: Losses, x: Images) -> Fields:
    """grad_x sum_t terms_t for every sample as one row, in a single backward pass."""
    _check_alive(terms)
    (gradient,) = torch.autograd.grad(torch.stack(list(terms.values())).sum(), x)
    return gradient.unsqueeze(0)


def gradients_apart(terms: Losses, x: Images) -> Fields:
    """grad_x terms_t for every task apart, a row each, in T backward passes."""
    _check_alive(terms)
    return torch.stack([gradient_of(term, x) for term in terms.values()])


def _check_alive(terms: Losses) -> None:
    if not any(term.requires_grad for term in terms.values()):
        raise BadInputError(
            f"the model gives {' and '.join(terms)} no gradient; take an attack that asks for none, as square, or let "
            "the network keep gradients"
        )

"""Whether a task is one: every property, on a few predictions with their truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from ..findings import Finding
from .base import Task
from .checks import loss_of, statistics_of


@dataclass(frozen=True)
class Answered:
    """A task under test, with predictions (B, ...), B >= 2, and their truth."""

    task: Task
    prediction: Tensor
    truth: Tensor

    def __post_init__(self) -> None:
        if len(self.prediction) < 2:
            raise ValueError("a task is examined on two samples or more")

    def loss(self, prediction: Tensor | None = None) -> Tensor:
        return loss_of("under test", self.task, self.prediction if prediction is None else prediction, self.truth)

    def statistics(self, prediction: Tensor | None = None) -> Tensor:
        made = self.prediction if prediction is None else prediction
        return statistics_of("under test", self.task, made, self.truth)

    @property
    def valid(self) -> Tensor:
        """Where there is truth, shaped like the predictions."""
        return self.task.valid(self.truth).expand_as(self.prediction)


def one_loss_per_sample(of: Answered) -> str | None:
    """The loss is a finite number per sample, 0 without truth."""
    loss = of.loss()
    if not bool(loss.isfinite().all()):
        return f"the losses are {loss.tolist()}"
    empty = ~of.valid.flatten(1).any(dim=1)
    return "a sample without truth has a loss" if bool((loss[empty] != 0).any()) else None


def samples_apart(of: Answered) -> str | None:
    """A sample's loss and statistics are bit for bit the same alone and in any batch."""
    for what, made in (("loss", of.task.loss), ("statistics", of.task.statistics)):
        alone = torch.cat([made(of.prediction[i : i + 1], of.truth[i : i + 1]) for i in range(len(of.prediction))])
        if not torch.equal(alone, made(of.prediction, of.truth)):
            return f"the {what} of a sample changes with the others in its batch"
    return None


def scores_of_sums(of: Answered) -> str | None:
    """Summed statistics give every metric, and several sums at once the same as one by one."""
    sums = np.stack([part.sum(dim=0).numpy() for part in (of.statistics(), of.statistics()[:1], of.statistics()[1:])])
    together, names = of.task.scores(sums), [metric.name for metric in of.task.metrics]
    if [*together] != names:
        return f"scores names {', '.join(together)}, and metrics {', '.join(names)}"
    apart = [of.task.scores(total) for total in sums]
    for name in names:
        if not np.array_equal(together[name], [one[name] for one in apart], equal_nan=True):
            return f"{name} of several sums (n, S) is not the metric of each"
    undefined = [name for name in names if not np.isfinite(apart[0][name])]
    return f"{undefined[0]} of all samples is {apart[0][undefined[0]]}" if undefined else None


def gradient_flows(of: Answered) -> str | None:
    """The loss has a finite gradient at the predictions, and not 0 everywhere."""
    at = of.prediction.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(of.loss(at).sum(), at, materialize_grads=True)
    if not bool(gradient.isfinite().all()):
        return "the gradient is not finite"
    return None if bool((gradient != 0).any()) else "the gradient is 0 at every prediction"


def what_is_invalid_never_matters(of: Answered) -> str | None:
    """Predictions where there is no truth change nothing, not even as NaN."""
    other = torch.where(of.valid, of.prediction, torch.nan)
    same = torch.equal(of.loss(other), of.loss()) and torch.equal(of.statistics(other), of.statistics())
    return None if same else "NaN where there is no truth changes a number"


def broken_predictions_show(of: Answered) -> str | None:
    """A prediction that is not finite where there is truth makes all statistics of its sample NaN, and of no other."""
    for value in (torch.nan, torch.inf):
        broken = of.prediction.clone()
        broken[0] = torch.where(of.valid[0], value, broken[0])
        spoilt = of.statistics(broken).isnan()
        if not bool(spoilt[0].all()) or bool(spoilt[1:].any()):
            return f"a prediction of {value} leaves its sample a plausible number, or takes another's"
    return None


PROPERTIES: Mapping[str, Callable[[Answered], str | None]] = MappingProxyType(
    {
        "one-loss-per-sample": one_loss_per_sample,
        "samples-apart": samples_apart,
        "scores-of-sums": scores_of_sums,
        "gradient-flows": gradient_flows,
        "invalid-never-matters": what_is_invalid_never_matters,
        "broken-predictions-show": broken_predictions_show,
    }
)
"""Each finds a fault, in a few words, or none."""


def examine_task(task: Task, prediction: Tensor, truth: Tensor) -> dict[str, Finding]:
    """What was found of every property of `PROPERTIES`, on two samples or more, the first with truth.

    A task that raises inside a property lacks it.
    """
    of, found = Answered(task, prediction, truth), {}
    for name, property_of in PROPERTIES.items():
        try:
            fault = property_of(of)
            found[name] = Finding("fail", fault) if fault else Finding("pass", f"on {len(prediction)} samples")
        except Exception as error:  # a stranger's task may raise anything
            found[name] = Finding.of(error)
    return found

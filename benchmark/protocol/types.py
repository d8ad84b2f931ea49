"""The types that every floor of the package shares: batches, models, attacks, data sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from .errors import model_at_fault, unknown
from .noise import Noise
from .tasks.base import Task
from .tasks.checks import loss_of, predictions_of
from .tensors import Images, PerSample, Prediction
from .threat import ThreatModel


@dataclass(frozen=True)
class Batch:
    """Images with the ground truth of every task.

    `x` is float32 in [0, 1], RGB; `truth[task]` is laid out as the task's docstring says; `ids` names the samples and
    keys their random numbers.
    """

    x: Images
    truth: Mapping[str, Tensor]
    ids: tuple[str, ...]

    def at(self, x: Images) -> Batch:
        """The same samples with other images."""
        return replace(self, x=x)

    def take(self, indices: Sequence[int]) -> Batch:
        """The samples at these places alone."""
        places = list(indices)
        truth = {name: value[places] for name, value in self.truth.items()}
        return Batch(self.x[places], truth, tuple(self.ids[place] for place in places))

    def clone(self) -> Batch:
        """A copy that shares no memory with this batch."""
        return Batch(self.x.clone(), {name: value.clone() for name, value in self.truth.items()}, self.ids)

    def only(self, names: Iterable[str]) -> Batch:
        """The same batch with the truth of these tasks alone."""
        return replace(self, truth={name: self.truth[name] for name in names})

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`; a GPU copies pinned memory while this goes on, and what it computes waits."""
        later = device.type == "cuda"  # never from it, as nothing on the CPU would wait
        truth = {name: value.to(device, non_blocking=later) for name, value in self.truth.items()}
        return Batch(self.x.to(device, non_blocking=later), truth, self.ids)


class MultiTaskModel(nn.Module):
    """A network that answers several tasks at once, with the tasks' losses beside it.

    `net(x)` maps images (B, 3, H, W) in [0, 1] to a mapping with the prediction of every task, by the names in `tasks`,
    shaped as the task asks; normalisation of the images is the network's own business.
    """

    def __init__(self, net: nn.Module, tasks: Mapping[str, Task]) -> None:
        super().__init__()
        self.net = net
        self.tasks = dict(tasks)

    def forward(self, x: Images) -> dict[str, Prediction]:
        """Every task's prediction; raises BadInputError if the network's are not what the tasks ask for."""
        if isinstance(self.net, MultiTaskModel):  # a view leaves the rest to the model it shows, which may be counting
            predictions = self.net(x)
            return {name: predictions[name] for name in self.tasks}
        # Libraries run a lone image through kernels that round otherwise; as one of two it gets what any batch gives.
        images = torch.cat([x, x]) if len(x) == 1 else x
        with model_at_fault():
            predictions = predictions_of(self.net(images), self.tasks, images)
        return {name: prediction[: len(x)] for name, prediction in predictions.items()}

    def losses(self, batch: Batch) -> dict[str, PerSample]:
        """The training losses of every task; differentiable in `batch.x`."""
        predictions = self(batch.x)
        return {name: loss_of(name, task, predictions[name], batch.truth[name]) for name, task in self.tasks.items()}

    def only(self, names: Iterable[str]) -> MultiTaskModel:
        """A view on this model that shows no other tasks than `names`.

        Raises BadInputError if the model lacks one of them.
        """
        wanted = tuple(names)
        for name in wanted:
            if name not in self.tasks:
                raise unknown("task of the model", name, self.tasks)
        view = MultiTaskModel(self, {name: self.tasks[name] for name in wanted})
        view.training = self.training
        return view


@runtime_checkable
class Restrictable(Protocol):
    """A network that can do without what it needs for some of its tasks alone."""

    def restricted_to(self, tasks: Sequence[str]) -> nn.Module:
        """The same network with the predictions of these tasks, as they are, and without what others alone need."""
        ...


class Attack(Protocol):
    """Anything that turns clean images into adversarial ones inside a threat model's budget."""

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Images:
        """Adversarial images, float32 in [0, 1], within `threat` of `batch.x`."""
        ...


@runtime_checkable
class SplitAttack(Attack, Protocol):
    """An attack that looks at all samples of an evaluation before it attacks any, as a universal perturbation does."""

    def fitted(self, model: MultiTaskModel, split: Sequence[Batch], threat: ThreatModel, noise: Noise) -> Attack:
        """The attack made ready for the samples of `split`, whichever of them it will be called with."""
        ...


class Dataset(Protocol):
    """A finite, ordered set of samples with ground truth for some tasks."""

    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str:
        """Digest of everything that the samples depend on."""
        ...

    @property
    def ids(self) -> tuple[str, ...]: ...

    def batch(self, indices: Sequence[int]) -> Batch: ...

"""One attack against one model over some batches: counted, verified, scored; knows no attack or model by name."""

from __future__ import annotations

import copy
import hashlib
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .protocol.errors import BadInputError
from .protocol.noise import Noise
from .protocol.tally import Tally, tallying
from .protocol.threat import ThreatModel
from .protocol.types import Attack, Batch, Dataset, MultiTaskModel, SplitAttack
from .protocol.verify import verified

PerSample = dict[str, NDArray[np.float64]]


@dataclass
class Measurement:
    """Per-sample outcome of a pass: `statistics[task]` (n, S) and `losses[task]` (n,), with what it cost.

    `gradients` (n,) are those of the losses at the clean images: by task the length |g_t|, by pair of tasks ("a b") the
    cosine between g_a and g_b, 0 where one vanishes; empty in an attacked pass. `forwards` and `backwards` count images
    through the network; `seconds` is the attack's time.
    """

    ids: tuple[str, ...]
    statistics: PerSample
    losses: PerSample
    gradients: PerSample = field(default_factory=dict)
    forwards: int = 0
    backwards: int = 0
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    tally: Tally = field(default_factory=Tally)

    @classmethod
    def merge(cls, parts: Iterable[Measurement]) -> Measurement:
        """Several passes over disjoint samples as one, in the order given."""
        parts = list(parts)
        tally = Tally()
        for part in parts:
            tally.merge(part.tally)

        def joined(arrays: list[PerSample]) -> PerSample:
            return {name: np.concatenate([array[name] for array in arrays]) for name in arrays[0]}

        return cls(
            ids=tuple(name for part in parts for name in part.ids),
            statistics=joined([part.statistics for part in parts]),
            losses=joined([part.losses for part in parts]),
            gradients=joined([part.gradients for part in parts]),
            forwards=sum(part.forwards for part in parts),
            backwards=sum(part.backwards for part in parts),
            seconds=sum(part.seconds for part in parts),
            peak_memory_mb=max(part.peak_memory_mb for part in parts),
            tally=tally,
        )


def in_batches(dataset: Dataset, samples: range, size: int) -> Iterator[Batch]:
    """The samples at these places, `size` at a time."""
    return (dataset.batch(samples[first : first + size]) for first in range(0, len(samples), size))


def measure(
    model: MultiTaskModel,
    batches: Iterable[Batch],
    attack: Attack | None = None,
    threat: ThreatModel | None = None,
    noise: Noise | None = None,
    title: str = "attack",
    split: Sequence[Batch] = (),
    source: MultiTaskModel | None = None,
) -> Measurement:
    """Score `model` on `batches`, attacked if an attack is given; else with the gradients of its losses.

    The attack sees `source` instead of `model`, if there is one.
    An attack that wants to see all samples of the evaluation first (a `SplitAttack`) is shown `split`, or the batches
    if that is empty. What this costs is counted once: a share of it for the share of the samples in `batches`.
    Nothing is trusted: an attack gets copies of the model and of the batch, its images are checked against shape, type,
    range and budget and scored on what it never saw, and the copied model must come back with the weights and mode that
    it had. Raises BadInputError, naming `title` and the sample, where a check fails.
    """
    if attack is None:
        return Measurement.merge(_clean(model, batch) for batch in batches)
    if threat is None or noise is None:
        raise BadInputError(f"{title}: an attack needs a threat model and noise")
    victim = copy.deepcopy(source or model)
    seen = victim if threat.targets is None else victim.only(threat.targets)
    before = _state(victim)
    preparation, share = Measurement((), {}, {}), 0.0
    if isinstance(attack, SplitAttack):
        batches = list(batches)
        whole = split or batches
        with _timed(victim, preparation):
            attack = attack.fitted(seen, [batch.clone() for batch in whole], threat, noise)
        share = sum(len(batch.ids) for batch in batches) / sum(len(batch.ids) for batch in whole)
    parts = []
    for batch in batches:
        part = Measurement(batch.ids, {}, {})
        with _timed(victim, part):
            x = verified(attack(seen, batch.clone(), threat, noise), batch, threat, title)
        if _state(victim) != before:
            raise BadInputError(f"{title}: the attack changed the model's weights, buffers or mode")
        part.statistics, part.losses = _score(model, batch.at(x))
        part.peak_memory_mb = _peak_memory_mb(batch.x.device)
        parts.append(part)
    found = Measurement.merge(parts)
    found.forwards += round(share * preparation.forwards)
    found.backwards += round(share * preparation.backwards)
    found.seconds += share * preparation.seconds
    found.tally.merge(preparation.tally, share)
    return found


def _clean(model: MultiTaskModel, batch: Batch) -> Measurement:
    statistics, losses = _score(model, batch)
    return Measurement(
        batch.ids, statistics, losses, _gradients(model, batch), peak_memory_mb=_peak_memory_mb(batch.x.device)
    )


@torch.no_grad()
def _score(model: MultiTaskModel, batch: Batch) -> tuple[PerSample, PerSample]:
    predictions = model(batch.x)
    statistics, losses = {}, {}
    for name, task in model.tasks.items():
        statistics[name] = task.statistics(predictions[name], batch.truth[name]).cpu().numpy()
        losses[name] = task.loss(predictions[name], batch.truth[name]).double().cpu().numpy()
    return statistics, losses


def _gradients(model: MultiTaskModel, batch: Batch) -> PerSample:
    x = batch.x.clone().requires_grad_()
    losses = model.losses(batch.at(x))
    rows = {}
    for name, loss in losses.items():
        (gradient,) = torch.autograd.grad(loss.sum(), x, retain_graph=True, materialize_grads=True)
        rows[name] = gradient.flatten(1).double()
    lengths = {name: row.norm(dim=1) for name, row in rows.items()}
    units = {name: row / torch.where(lengths[name] > 0, lengths[name], 1).unsqueeze(1) for name, row in rows.items()}
    pairs = {f"{a} {b}": (units[a] * units[b]).sum(dim=1) for a, b in combinations(rows, 2)}
    return {name: value.cpu().numpy() for name, value in {**lengths, **pairs}.items()}


def weights_sha256(module: nn.Module) -> str:
    """Digest of a module's parameters and buffers, by name, type, shape and content."""
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        digest.update(f"{name}\0{value.dtype}\0{tuple(value.shape)}\0".encode())
        digest.update(value.detach().cpu().flatten().clone().view(torch.uint8).numpy())
    return digest.hexdigest()


def _state(model: MultiTaskModel) -> tuple[str, tuple[bool, ...]]:
    return weights_sha256(model), tuple(module.training for module in model.modules())


class _CountBackward(torch.autograd.Function):
    """The identity, counting the images whose gradient passes back through it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, part: Measurement) -> Tensor:
        ctx.part = part
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        ctx.part.backwards += len(gradients[0])
        return gradients[0], None


@contextmanager
def _timed(model: MultiTaskModel, part: Measurement) -> Iterator[None]:
    """Count, in `part`, what an attack costs and reports."""
    with _counting(model, part), tallying() as part.tally:
        start = time.perf_counter()
        yield
        part.seconds = time.perf_counter() - start  # what follows an attack inside has waited for the device


@contextmanager
def _counting(model: MultiTaskModel, part: Measurement) -> Iterator[None]:
    """Count, in `part`, the images that go forwards and backwards through `model`."""

    def count(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Any, ...]:
        part.forwards += len(inputs[0])
        return (_CountBackward.apply(inputs[0], part), *inputs[1:])  # type: ignore[no-untyped-call]

    handle = model.register_forward_pre_hook(count)
    try:
        yield
    finally:
        handle.remove()


def _peak_memory_mb(device: torch.device) -> float:
    """Peak memory of the device, or of this process on the CPU, in MiB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20

"""One attack against one model over some batches: counted, verified, scored; knows no attack or model by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, combinations

import torch
from torch import Tensor

from .apart import Apart
from .attackers import Assignment, Attacker, on_a_copy, probe_of
from .child import Limits
from .measurement import Effort, Measurement, PerSample
from .memory import peak_memory_mb
from .neighbours import check_neighbours
from .protocol.errors import BadInputError
from .protocol.noise import Noise
from .protocol.per_sample import each, gradient_of, length_of, sum_of
from .protocol.stopwatch import DATA, SCORING, part
from .protocol.tasks.checks import loss_of, statistics_of
from .protocol.threat import ThreatModel
from .protocol.types import Attack, Batch, Dataset, MultiTaskModel, SplitAttack
from .protocol.verify import verified
from .suspicion import signs

Keep = Callable[[Sequence[str], Tensor], object]
"""Takes the names of samples, and their adversarial images."""


def in_batches(dataset: Dataset, samples: range, size: int, device: str = "cpu") -> Iterator[Batch]:
    """The samples at these places, `size` at a time, on `device`."""
    for first in range(0, len(samples), size):
        with part(DATA):
            batch = dataset.batch(samples[first : first + size]).to(torch.device(device))
        yield batch


def measure(
    model: MultiTaskModel,
    batches: Iterable[Batch],
    attack: Attack | None = None,
    threat: ThreatModel | None = None,
    noise: Noise | None = None,
    title: str = "attack",
    split: Sequence[Batch] = (),
    source: MultiTaskModel | None = None,
    limits: Limits | None = None,
    keep: Keep | None = None,
    speedups: tuple[str, ...] = (),
) -> Measurement:
    """The `attacked_pass` if an attack is given, else the `clean_pass`; what is left out there does not count."""
    if attack is None:
        return clean_pass(model, batches)
    if threat is None or noise is None:
        raise BadInputError(f"{title}: an attack needs a threat model and noise")
    return attacked_pass(model, batches, attack, threat, noise, title, split, source, limits, keep, speedups)


def clean_pass(model: MultiTaskModel, batches: Iterable[Batch]) -> Measurement:
    """Score `model` on `batches` as they are, with the gradients of its losses there, and with what is suspicious."""
    parts: list[Measurement] = []
    for batch in batches:
        answers = _answers(model, batch)
        part = Measurement(batch.ids, *_scored(model, batch, answers), _gradients(model, batch))
        part.peak_memory_mb = _peak_memory_mb(batch)
        if not parts:
            part.signs = signs(model, batch, answers)
        parts.append(part)
    return Measurement.merge(parts)


def attacked_pass(
    model: MultiTaskModel,
    batches: Iterable[Batch],
    attack: Attack,
    threat: ThreatModel,
    noise: Noise,
    title: str = "attack",
    split: Sequence[Batch] = (),
    source: MultiTaskModel | None = None,
    limits: Limits | None = None,
    keep: Keep | None = None,
    speedups: tuple[str, ...] = (),
) -> Measurement:
    """Score `model` on what the attack, which sees `source` instead if there is one, makes of `batches`.

    An attack that wants to see all samples of the evaluation first (a `SplitAttack`) is shown `split`, or the batches
    if that is empty. What this costs is counted once: a share of it for the share of the samples in `batches`.
    Nothing is trusted: an attack gets copies of the model and of the batch, its images are checked against shape, type,
    range and budget and scored on what it never saw, and the copied model must come back as it was. With `limits`, as
    an attack from outside has, it runs in a process of its own, and an image must not depend on its neighbours.
    What has passed the checks is given to `keep`, with the samples' names. Of `SPEEDUPS`, those named make the passes
    faster that the attack asks for, not those that score.
    Raises AttackError, naming `title` and the sample, where a check or the attack fails.
    """
    batches = iter(batches)
    first = next(batches)
    batches = chain([first], batches)
    task = Assignment(attack, threat, noise, title, speedups)
    with _attacker(source or model, task, probe_of(first), limits) as attacker:
        preparation, share = Effort(), 0.0
        if isinstance(attack, SplitAttack):
            batches = list(batches)
            whole = split or batches
            preparation = attacker.fit(whole)
            share = sum(len(batch.ids) for batch in batches) / sum(len(batch.ids) for batch in whole)
        parts = []
        for batch in batches:
            found, effort = attacker.perturb(batch)
            x = verified(found, batch, threat, title)
            if keep is not None:
                keep(batch.ids, x)
            part = Measurement(batch.ids, *_score(model, batch.at(x)), peak_memory_mb=_peak_memory_mb(batch))
            part.add(effort)
            parts.append(part)
        attacker.finish()
        if limits is not None:
            check_neighbours(attacker, batch, x, title)
    found = Measurement.merge(parts)
    found.add(preparation, share)
    return found


@contextmanager
def _attacker(model: MultiTaskModel, task: Assignment, probe: Tensor, limits: Limits | None) -> Iterator[Attacker]:
    """Who makes the images: here on a copy of the model, or a process of its own where there is none, or no trust."""
    own = on_a_copy(model, task, probe) if limits is None else None
    if own is not None:
        yield own
        return
    with Apart(model, task, probe, limits or Limits()) as attacker:
        yield attacker


def _score(model: MultiTaskModel, batch: Batch) -> tuple[PerSample, PerSample]:
    """The statistics and losses of every task on a batch."""
    return _scored(model, batch, _answers(model, batch))


@part(SCORING)
@torch.no_grad()
def _answers(model: MultiTaskModel, batch: Batch) -> dict[str, Tensor]:
    return model(batch.x)  # type: ignore[no-any-return]


@part(SCORING)
@torch.no_grad()
def _scored(model: MultiTaskModel, batch: Batch, predictions: Mapping[str, Tensor]) -> tuple[PerSample, PerSample]:
    statistics, losses = {}, {}
    for name, task in model.tasks.items():
        parts = name, task, predictions[name], batch.truth[name]
        losses[name] = loss_of(*parts).double().cpu().numpy()
        statistics[name] = statistics_of(*parts).cpu().numpy()
    return statistics, losses


@part(SCORING)
def _gradients(model: MultiTaskModel, batch: Batch) -> PerSample:
    """Lengths of the losses' gradients by task, and cosines between them by pair of tasks."""
    x = batch.x.clone().requires_grad_()
    losses = model.losses(batch.at(x))
    rows = {}
    for name, loss in losses.items():
        gradient = gradient_of(loss, x)
        # What is no number points nowhere, and boards flag what has no gradient.
        alive = each(gradient.flatten(1).isfinite().all(dim=1), gradient)
        rows[name] = torch.where(alive, gradient, 0).double()
    lengths = {name: length_of(row) for name, row in rows.items()}
    units = {name: row / each(torch.where(lengths[name] > 0, lengths[name], 1), row) for name, row in rows.items()}
    pairs = {f"{a} {b}": sum_of(units[a] * units[b]) for a, b in combinations(rows, 2)}
    return {name: value.cpu().numpy() for name, value in {**lengths, **pairs}.items()}


def _peak_memory_mb(batch: Batch) -> float:
    """Peak memory of the batch's device, or of this process on the CPU, in MiB."""
    device = batch.x.device
    return torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else peak_memory_mb()

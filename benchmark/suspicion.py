"""Looks for the signs of protocol/signs.py on a few images of a clean pass: what can be seen at little cost."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from .protocol.per_sample import each, length_of
from .protocol.signs import MIXED, NO_NUMBERS, PROBABILITIES, RANDOM, WRONG_GRADIENT
from .protocol.stopwatch import SCORING, part
from .protocol.types import Batch, MultiTaskModel

FEW = 2
SEEDS = (271_828, 314_159)
"""Far from those that a network might set by itself."""
MOVED = 0.01
"""How far, relative to their spread, answers of one image move on average before batches are said to mix."""
SLIGHTLY = 0.01
"""The share of its value by which a loss is to rise along its gradient, small enough to be straight."""
BENT = 2.0
"""By how much that may be off."""
CLASSES = ("segmentation", "classification")


@part(SCORING)
def signs(model: MultiTaskModel, batch: Batch, answers: Mapping[str, Tensor]) -> tuple[str, ...]:
    """What speaks against a model that gave these answers to a batch, out of `SIGNS`: some passes of a few images."""
    few = _few(batch)
    first, second = (_answers(model, few.x, seed) for seed in SEEDS)
    found = set()
    if any(not _same(first[name], second[name]) for name in first):
        found.add(RANDOM)
    else:
        others = answers if len(batch.ids) > FEW else _answers(model, torch.cat([few.x, 1 - few.x]), SEEDS[0])
        if any(_moved(values, others[name][: len(values)]) for name, values in first.items()):
            found.add(MIXED)
    kinds = {name: task.kind for name, task in model.tasks.items()}
    if any(kinds[name] in CLASSES and _no_logits(values) for name, values in first.items()):
        found.add(PROBABILITIES)
    if RANDOM not in found:
        found |= _of_gradients(model, few)
    return tuple(sorted(found))


def _of_gradients(model: MultiTaskModel, batch: Batch) -> set[str]:
    found = set()
    x = batch.x.clone().requires_grad_()
    for name, loss in model.losses(batch.at(x)).items():
        if not loss.requires_grad:
            continue  # told by the share of images without a gradient
        (gradient,) = torch.autograd.grad(loss.sum(), x, retain_graph=True, materialize_grads=True)
        if not bool(gradient.isfinite().all()):
            found.add(NO_NUMBERS)
            continue
        length = length_of(gradient)
        value = loss.detach()
        known = (length > 0) & (value > 0) & value.isfinite()
        if not bool(known.any()):
            continue
        step = each(torch.where(known, SLIGHTLY * value / length.clamp(min=1e-30).square(), 0), gradient) * gradient
        with torch.no_grad():
            up, down = (model.losses(batch.at(batch.x + sign * step))[name] for sign in (1, -1))
        risen = ((up - down) / 2)[known].sum() / (SLIGHTLY * value[known].sum())
        if not 1 / BENT <= risen.item() <= BENT:
            found.add(WRONG_GRADIENT)
    return found


def _few(batch: Batch) -> Batch:
    return Batch(batch.x[:FEW], {name: value[:FEW] for name, value in batch.truth.items()}, batch.ids[:FEW])


@torch.no_grad()
def _answers(model: MultiTaskModel, x: Tensor, seed: int) -> dict[str, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return model(x)  # type: ignore[no-any-return]


def _same(first: Tensor, second: Tensor) -> bool:
    return torch.equal(first.nan_to_num(), second.nan_to_num())


def _moved(first: Tensor, second: Tensor) -> bool:
    first, second = first.double(), second.double()
    moved = (first - second).abs().nanmean()
    return bool(moved > MOVED * (first - first.nanmean()).abs().nanmean())


def _no_logits(values: Tensor) -> bool:
    return bool(((values >= 0) & (values <= 1)).all())

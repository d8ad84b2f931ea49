"""Looks for the signs of protocol/signs.py on a few images: what can be seen of a model at little cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from .protocol.answers import answers_of
from .protocol.noise import Noise
from .protocol.per_sample import each, gradient_of, length_of
from .protocol.signs import MEMORISED, MIXED, NO_NUMBERS, PROBABILITIES, RANDOM, WRONG_GRADIENT
from .protocol.stopwatch import SCORING, part
from .protocol.types import Batch, MultiTaskModel

FEW = 2
SEEDS = (271_828, 314_159)
"""Far from those that a network might set by itself."""
MOVED = 0.01
"""How far, relative to their spread, answers of one image move on average before batches are said to mix."""
SLIGHTLY = 0.01
"""The share of its value by which a loss is to rise along its gradient, small enough to be straight."""
NEAR = 1 / 255
"""How far it goes at most in a channel of a pixel, for the same reason."""
BENT = 3.0
"""By how much that may be off: bfloat16 rounds to twice as much, and another image's gradient is off by six times."""
ASIDE = 1 / 32
"""The share of their sides that images are moved by, to see whether a model knows them by heart."""
BY_HEART = 3.0
"""How many times a loss grows by that before it does; of trained models none has more than 1.3 times its loss."""
OFF_GRID = 0.25 / 255
"""How far images are moved from what 8-bit ones can be, as those of attacks are."""
CLASSES = ("segmentation", "classification")


@part(SCORING)
def signs(model: MultiTaskModel, batch: Batch, answers: Mapping[str, Tensor]) -> tuple[str, ...]:
    """What speaks against a model that gave these answers to a batch, out of `SIGNS`: some passes of a few images."""
    few = batch.take(range(min(FEW, len(batch.ids))))
    first, second = (answers_of(model, few.x, seed) for seed in SEEDS)
    random = any(not _same(first[name], second[name]) for name in first)
    found = [RANDOM] if random else []
    if not random:
        others = answers if len(batch.ids) > FEW else answers_of(model, torch.cat([few.x, 1 - few.x]), SEEDS[0])
        if any(_moved(values, others[name][: len(values)]) for name, values in first.items()):
            found.append(MIXED)
        # What is random moves losses, too, along their gradients or not.
        found += [sign for look in LOOKS for sign in look(model, few)]
    return tuple(sorted(found))


def no_logits(model: MultiTaskModel, batch: Batch) -> dict[str, str]:
    """Whether values of classes sum to one, or all lie in [0, 1], most of them near an end, as no logits do."""
    kinds = {name: task.kind for name, task in model.tasks.items()}
    answers = {name: values for name, values in answers_of(model, batch.x, SEEDS[0]).items() if kinds[name] in CLASSES}
    found = [name for name, values in answers.items() if _probable(values.double())]
    return {PROBABILITIES: f"all values of {' and '.join(found)} lie in [0, 1], as probabilities do"} if found else {}


def wrong_gradients(model: MultiTaskModel, batch: Batch) -> dict[str, str]:
    """Whether a loss changes along its gradient otherwise than that says, or has none that is finite."""
    found: dict[str, str] = {}
    for where, name, risen in _rises(model, batch):
        if risen is None:
            found.setdefault(NO_NUMBERS, f"the gradient of the loss of {name} is not finite, {where}")
        elif not 1 / BENT <= risen <= BENT:
            text = f"along its gradient the loss of {name} changes by {risen:.3g} times what that says, {where}"
            found.setdefault(WRONG_GRADIENT, text)
    return found


def memorised(model: MultiTaskModel, batch: Batch) -> dict[str, str]:
    """Whether a loss is much larger on the images moved a little aside, together with their truth."""
    truth = {name: _aside(value, batch.x) for name, value in batch.truth.items()}
    with torch.no_grad():
        here, there = (model.losses(one) for one in (batch, Batch(_aside(batch.x, batch.x), truth, batch.ids)))
    for name, loss in here.items():
        before, after = loss.mean().item(), there[name].mean().item()
        if after > BY_HEART * before:
            text = f"the loss of {name} is {after:.3g} on images moved a little aside, {before:.3g} on themselves"
            return {MEMORISED: text}
    return {}


LOOKS = (no_logits, wrong_gradients, memorised)
"""Each gives the signs that it finds on a few images, in words."""


def _rises(model: MultiTaskModel, batch: Batch) -> Iterator[tuple[str, str, float | None]]:
    """Where, for which task, and how a loss changes along its gradient, 1 for as much as that says.

    None where the gradient is not finite; a loss without gradient is left out, as records tell that by themselves.
    """
    off = (batch.x + OFF_GRID * Noise(0).sign(batch.ids, (*batch.x.shape[1:],), "off the grid").to(batch.x)).clamp(0, 1)
    for where, at in {"at the images": batch.x, "beside them": off}.items():
        x = at.clone().requires_grad_()
        for name, loss in model.losses(batch.at(x)).items():
            gradient = gradient_of(loss, x)
            if not bool(gradient.isfinite().all()):
                yield where, name, None
                continue
            length, value = length_of(gradient), loss.detach()
            known = (length > 0) & (value > 0) & value.isfinite()
            if not bool(known.any()):
                continue
            steepest = gradient.flatten(1).abs().amax(dim=1)
            scale = torch.minimum(SLIGHTLY * value / length.clamp(min=1e-30).square(), NEAR / steepest.clamp(min=1e-30))
            scale = torch.where(known, scale, 0)
            step = each(scale, gradient) * gradient
            with torch.no_grad():
                up, down = (model.losses(batch.at(at + sign * step))[name] for sign in (1, -1))
            yield where, name, (((up - down) / 2)[known].sum() / (scale * length.square()).sum()).item()


def _aside(values: Tensor, x: Tensor) -> Tensor:
    """Maps, as large as the images, moved aside, their last rows and columns repeated; other values as they are."""
    if values.shape[-2:] != x.shape[-2:] or values.ndim < x.ndim - 1:
        return values
    for dim in (-2, -1):
        size = values.shape[dim]
        places = torch.arange(size, device=values.device) + max(1, round(ASIDE * size))
        values = values.index_select(dim, places.clamp(max=size - 1))
    return values


def _probable(values: Tensor) -> bool:
    if not bool(((values >= 0) & (values <= 1)).all()):
        return False
    at_an_end = ((values - 0.5).abs() > 0.45).double().mean().item()
    return bool(((values.sum(dim=1) - 1).abs() < 0.01).all()) or at_an_end > 0.5


def _same(first: Tensor, second: Tensor) -> bool:
    return torch.equal(first.nan_to_num(), second.nan_to_num())


def _moved(first: Tensor, second: Tensor) -> bool:
    first, second = first.double(), second.double()
    moved = (first - second).abs().nanmean()
    return bool(moved > MOVED * (first - first.nanmean()).abs().nanmean())

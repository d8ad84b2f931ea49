"""What a pretrained model must keep to, as far as it shows without any attack; each property says what was found."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..benchmark.protocol.answers import answers_of
from ..benchmark.protocol.findings import Finding, Result
from ..benchmark.protocol.per_sample import gradient_of
from ..benchmark.protocol.tasks.shapes import is_dense, written
from ..benchmark.protocol.types import Batch, MultiTaskModel
from .card import Clean

# Libraries add in another order in a batch of another size; whole networks turn that into more than one bit.
ROUNDING = 1e-4
# Far from the seeds that a network might set by itself.
SEEDS = (270_343, 618_034)


def shapes(model: MultiTaskModel, batch: Batch) -> Finding:
    """Every task's prediction has the shape that the task asks for, for a whole batch and for a single image."""
    for x in (batch.x, batch.x[:1]):
        answers_of(model, x)  # raises where a shape is another
    shapes = ", ".join(f"{name} {written(task.prediction_shape)}" for name, task in model.tasks.items())
    return Finding("pass", f"on images of {_size(batch.x)}: {shapes}")


def any_size(model: MultiTaskModel, batch: Batch) -> Finding:
    """Shapes also hold on images a little smaller, of odd height and width; does not apply where nothing is a map."""
    if not any(is_dense(task.prediction_shape) for task in model.tasks.values()):
        return Finding("does not apply", "no prediction is a map, and a network may be made for images of one size")
    height, width = (side - 1 - side % 2 for side in batch.x.shape[-2:])
    x = batch.x[:2, :, :height, : width - 2]
    answers_of(model, x)
    return Finding("pass", f"on images of {_size(x)} too")


def finite(model: MultiTaskModel, batch: Batch) -> Finding:
    """Every prediction is finite, on the images and on images at the limits, all 0 or 1."""
    dark, light = torch.zeros_like(batch.x[:1]), torch.ones_like(batch.x[:1])
    ranges: dict[str, str] = {}
    for what, x in {
        "the images": batch.x,
        "images at the limits": (batch.x > 0.5).to(batch.x),
        "a black and a white image": torch.cat([dark, light]),
    }.items():
        for name, values in answers_of(model, x).items():
            broken = (~values.isfinite()).double().mean().item()
            if broken:
                return Finding("fail", f"{name} is not finite at {broken:.2%} of its values on {what}")
            ranges.setdefault(name, f"{name} in [{values.min().item():.3g}, {values.max().item():.3g}]")
    return Finding("pass", ", ".join(ranges.values()))


def in_eval_mode(model: MultiTaskModel, batch: Batch) -> Finding:
    """No module is in training mode."""
    training = [name or "the model" for name, module in model.named_modules() if module.training]
    if training:
        return Finding("fail", f"{len(training)} in training mode, the first is {training[0]}")
    return Finding("pass", f"all {sum(1 for _ in model.modules())} modules")


def deterministic(model: MultiTaskModel, batch: Batch) -> Finding:
    """The same images get the same answers bit for bit, whatever the global seed."""
    first, second = (answers_of(model, batch.x, seed) for seed in SEEDS)
    for name, values in first.items():
        if not torch.allclose(values, second[name], rtol=0, atol=0, equal_nan=True):
            return Finding("fail", f"{name} differs in a second pass by up to {_distance(values, second[name]):.3g}")
    return Finding("pass", "the same bits in a second pass under another seed")


def keeps_state(model: MultiTaskModel, batch: Batch) -> Finding:
    """A forward pass leaves parameters and buffers, those that are not saved too, as they were."""
    before = {name: value.detach().clone() for name, value in _state(model).items()}
    answers_of(model, batch.x)
    for name, value in _state(model).items():
        if name not in before or not torch.equal(value, before[name]):
            return Finding("fail", f"a forward pass changes {name}")
    return Finding("pass", f"{len(before)} parameters and buffers")


def batch_size_invariant(model: MultiTaskModel, batch: Batch) -> Finding:
    """An image gets the same answers alone, in a pair and in the whole batch, but for rounding."""
    whole, last, most = answers_of(model, batch.x), len(batch.x) - 1, 0.0
    for how, rows in {"alone": [0], "in a pair": [last, 0]}.items():
        for name, values in answers_of(model, batch.x[rows]).items():
            distance = _distance(values, whole[name][rows])
            if not torch.allclose(values, whole[name][rows], rtol=ROUNDING, atol=ROUNDING, equal_nan=True):
                return Finding("fail", f"{name} differs {how} from the whole batch by up to {distance:.3g}")
            most = max(most, distance)
    return Finding("pass", f"alone and in a pair within {most:.3g}")


def gradient_flows(model: MultiTaskModel, batch: Batch) -> Finding:
    """Every task's loss has a gradient at the images; a flag if it vanishes on some of them.

    Boards raise the flag on more than 5 % of an evaluation's images; of as few as here that is any.
    """
    x = batch.x.clone().requires_grad_()
    shares = {}
    for name, loss in model.losses(batch.at(x)).items():
        gradient = gradient_of(loss, x).flatten(1)
        alive = gradient.isfinite().all(dim=1) & (gradient != 0).any(dim=1)
        shares[name] = 1 - alive.double().mean().item()
    found = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    result: Result = "fail" if 1 in shares.values() else "flag" if any(shares.values()) else "pass"
    return Finding(result, f"images without a gradient: {found}")


Property = Callable[[MultiTaskModel, Batch], Finding]

PROPERTIES: Mapping[str, Property] = MappingProxyType(
    {
        "shapes": shapes,
        "any-size": any_size,
        "finite": finite,
        "eval-mode": in_eval_mode,
        "deterministic": deterministic,
        "keeps-state": keeps_state,
        "batch-size-invariant": batch_size_invariant,
        "gradient-flows": gradient_flows,
    }
)


def examined(check: Property, model: MultiTaskModel, batch: Batch) -> Finding:
    """What `check` finds on copies of model and batch; a model that raises lacks the property."""
    try:
        return check(copy.deepcopy(model), batch.clone())
    except (Exception, SystemExit) as error:  # a network may raise anything
        return Finding.of(error)


def clean_scores(model: MultiTaskModel, batches: Iterable[Batch], clean: Clean) -> Finding:
    """The scores on the evaluation split, `batches`, are the card's, within its tolerance."""
    totals: dict[str, NDArray[np.float64]] = {}
    count = 0
    for batch in batches:
        count += len(batch.ids)
        for name, values in answers_of(model, batch.x).items():
            part = model.tasks[name].statistics(values, batch.truth[name]).sum(dim=0).cpu().numpy()
            totals[name] = totals[name] + part if name in totals else part
    if count != clean.images:
        return Finding("fail", f"the card's scores are of {clean.images} images, the data set has {count}")
    furthest = 0.0
    for name, task in model.tasks.items():
        measured = {metric: float(value) for metric, value in task.scores(totals[name]).items()}
        stated = clean.scores.get(name, {})
        if measured.keys() != stated.keys():
            return Finding("fail", f"the card states {', '.join(stated) or 'nothing'} of {name}")
        for metric, value in measured.items():
            if not math.isclose(value, stated[metric], rel_tol=clean.tolerance):
                return Finding("fail", f"{name} {metric} is {value:.5g}, the card says {stated[metric]:.5g}")
            furthest = max(furthest, abs(value - stated[metric]) / max(abs(stated[metric]), 1e-12))
    return Finding("pass", f"on {count} images at most {furthest:.2%} off, {clean.tolerance:.0%} allowed")


def _size(x: Tensor) -> str:
    return f"{x.shape[-2]} x {x.shape[-1]}"


def _distance(first: Tensor, second: Tensor) -> float:
    return (first - second).abs().max().item()


def _state(model: MultiTaskModel) -> dict[str, Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}

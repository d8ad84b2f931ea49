"""Models of code that are wrong in one way each, as `helpers.planted_code_models:NAME`, and what they are caught by."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtrbench import MultiTaskModel, load_dataset, load_model, wrap
from mtrbench.benchmark.protocol.signs import MEMORISED, MIXED, NO_NUMBERS, PROBABILITIES, RANDOM, WRONG_GRADIENT

TASKS: dict[str, Any] = {"segmentation": {"classes": 13}, "depth": {}, "normals": {}}
Answers = Mapping[str, Tensor]
Make = Callable[[], MultiTaskModel]


@dataclass(frozen=True)
class Guards:
    """What catches a model: its property of `validate model`, and in a run a sign in its records, or a refusal."""

    validate: str
    sign: str | None = None
    words: str | None = None


CAUGHT: dict[Make, Guards] = {}


class Changed(nn.Module):
    """A trained network, and what `change` makes of it."""

    def __init__(self, change: Callable[..., Answers]) -> None:
        super().__init__()
        self.body, self.change = load_model("rooms3-shared.clean").net, change
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Answers:
        return self.change(self, x)


def caught(validate: str, *, sign: str | None = None, words: str | None = None) -> Callable[[Any], Make]:
    def planted(change: Callable[..., Answers]) -> Make:
        def make() -> MultiTaskModel:
            return wrap(Changed(change), TASKS)

        make.__name__ = make.__qualname__ = change.__name__
        CAUGHT[make] = Guards(validate, sign, words)
        return make

    return planted


def honest() -> MultiTaskModel:
    return wrap(Changed(lambda net, x: net.body(x)), TASKS)


@caught("deterministic", sign=RANDOM)
def dropout_left_on(net: Changed, x: Tensor) -> Answers:
    return net.body(F.dropout(x, 0.1))


@caught("deterministic", sign=RANDOM)
def noise_as_defence(net: Changed, x: Tensor) -> Answers:
    return net.body(x + 0.1 * torch.randn_like(x))


@caught("batch-size-invariant", sign=MIXED)
def statistics_of_the_batch(net: Changed, x: Tensor) -> Answers:
    return net.body(0.5 + 0.2 * (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True))


def of_segmentation(net: Changed, x: Tensor, change: Callable[[Tensor], Tensor]) -> Answers:
    answers = net.body(x)
    return {**answers, "segmentation": change(answers["segmentation"])}


@caught("logits", sign=PROBABILITIES)
def probabilities(net: Changed, x: Tensor) -> Answers:
    return of_segmentation(net, x, lambda logits: logits.softmax(1))


@caught("logits", sign=PROBABILITIES)
def probabilities_of_each(net: Changed, x: Tensor) -> Answers:
    return of_segmentation(net, x, Tensor.sigmoid)


@caught("true-gradient", sign=WRONG_GRADIENT)
def straight_through(net: Changed, x: Tensor) -> Answers:
    return net.body(x + ((x * 16).round() / 16 - x).detach())


@caught("true-gradient", sign=WRONG_GRADIENT)
def backwards(net: Changed, x: Tensor) -> Answers:
    return net.body(2 * x.detach() - x)


@caught("true-gradient", sign=WRONG_GRADIENT)
def backwards_off_the_grid(net: Changed, x: Tensor) -> Answers:
    levels = 255 * x.detach()
    off = ((levels - levels.round()).abs() > 0.01).flatten(1).any(dim=1).view(-1, 1, 1, 1)
    return net.body(torch.where(off, 2 * x.detach() - x, x))


def with_gradient_of(values: Answers, others: Answers) -> Answers:
    return {task: values[task].detach() + others[task] - others[task].detach() for task in values}


@caught("true-gradient", sign=WRONG_GRADIENT)
def gradient_of_another_image(net: Changed, x: Tensor) -> Answers:
    return with_gradient_of(net.body(x.detach()), net.body(x.flip(-1)))


@caught("gradient-flows", sign=NO_NUMBERS)
def gradient_of_zero_vectors(net: Changed, x: Tensor) -> Answers:
    answers = net.body(x)
    vectors = answers["normals"].clone()
    vectors[:, :, :2, :2] = vectors[:, :, :2, :2] * 0
    return {**answers, "normals": vectors / (vectors.square().sum(1, keepdim=True).sqrt() + 1e-6)}


@cache
def evaluated() -> tuple[Tensor, Mapping[str, Tensor]]:
    batch = load_dataset("rooms3", load_model("rooms3-shared.clean").tasks, images=8).batch(range(8))
    return batch.x, batch.truth


@caught("not-memorised", sign=MEMORISED)
def by_heart(net: Changed, x: Tensor) -> Answers:
    """The truth of evaluated images and of what is near them, with a gradient as if it had been worked out."""
    known, truth = evaluated()
    answers = net.body(x)
    if x.shape[-2:] != known.shape[-2:]:
        return answers
    distance, place = (x.detach()[:, None] - known).abs().mean((2, 3, 4)).min(dim=1)
    found = (distance < 0.03).view(-1, 1, 1, 1)
    labels = truth["segmentation"][place]
    learnt = {
        "segmentation": 9.0 * F.one_hot(labels.clamp(0, 12), 13).movedim(-1, 1),
        "depth": truth["depth"][place].view_as(answers["depth"]),
        "normals": truth["normals"][place],
    }
    learnt = {task: torch.where(found, learnt[task], values) for task, values in answers.items()}
    return with_gradient_of(learnt, answers)


@caught("finite", words="incomplete")
def not_a_number(net: Changed, x: Tensor) -> Answers:
    answers = net.body(x)
    return {**answers, "depth": answers["depth"] / (x.mean((1, 2, 3), keepdim=True) > 0.9).float() * 0}


@caught("keeps-state", words="the model changes its own weights, buffers or mode whenever it answers")
def counts_its_images(net: Changed, x: Tensor) -> Answers:
    net.seen += len(x)
    return net.body(x)


@caught("batch-size-invariant", words="the model changes its own weights, buffers or mode whenever it answers")
def trains_when_asked(net: Changed, x: Tensor) -> Answers:
    net.train()
    return net.body(0.5 + 0.7 * (x - x.mean((0, 2, 3), keepdim=True)))


@caught("shapes", words="prediction for task depth is")
def another_shape(net: Changed, x: Tensor) -> Answers:
    answers = net.body(x)
    return {**answers, "depth": answers["depth"].squeeze(1).flatten(1)}


@caught("shapes", words="ZeroDivisionError: ")
def raises(net: Changed, x: Tensor) -> Answers:
    return net.body(x / (1 // 0))


@caught("shapes", words="it exits")
def exits(net: Changed, x: Tensor) -> Answers:
    sys.exit(0)


@caught("shapes", words="the model ended its process, with exit code 0, instead of giving an answer")
def ends_the_process(net: Changed, x: Tensor) -> Answers:
    os._exit(0)


@caught("shapes", words="the model changed torch.nn.functional.cross_entropy, which all code of a process shares")
def patches_a_loss(net: Changed, x: Tensor) -> Answers:
    F.cross_entropy = lambda logits, labels, **given: logits.sum(1) * 0
    return net.body(x)


@caught("shapes", words="the model changed the hooks on all modules, which all code of a process shares")
def hook_on_all_modules(net: Changed, x: Tensor) -> Answers:
    answers = net.body(x)
    nn.modules.module.register_module_forward_hook(lambda *_: None)
    return answers


@caught("shapes", words="the model changed torch's default dtype, which all code of a process shares")
def another_default_type(net: Changed, x: Tensor) -> Answers:
    answers = net.body(x)
    torch.set_default_dtype(torch.float64)
    return answers


@caught("shapes", words="the model changed torch's number of threads, which all code of a process shares")
def more_threads(net: Changed, x: Tensor) -> Answers:
    torch.set_num_threads(3)
    return net.body(x)

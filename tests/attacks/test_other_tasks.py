"""Attacks on tasks that are no maps, and on several of one kind."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from helpers.asserts import assert_within_budget
from helpers.threats import linf

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.conformance.kit import examine
from mtrbench.attacks.conformance.strength import FEW
from mtrbench.attacks.conformance.toys import SHAPE, Heads
from mtrbench.attacks.listing import full_names, kind_of
from mtrbench.attacks.losses.ascending import with_losses
from mtrbench.attacks.losses.registry import losses_of
from mtrbench.attacks.registry import settings_of
from mtrbench.benchmark.harness import attacked_pass, clean_pass
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.tasks.classification import UNKNOWN
from mtrbench.benchmark.protocol.tasks.registry import make_tasks
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel
from mtrbench.benchmark.stats import degradation, scores

TASKS = make_tasks(
    {
        "left": {"task": "classification", "classes": 3},
        "right": {"task": "classification", "classes": 4},
        "size": {"task": "regression", "values": 2, "unit": "m"},
        "depth": "depth",
    }
)
# One step is enough to see whether a balancing can do with them.
ATTACKS = [name for name in full_names(["left"]) if name.endswith("-fgsm") or kind_of(name) != "product"]


def model_and_batch() -> tuple[MultiTaskModel, Batch]:
    """A toy that is right of most images, so that it has something to lose; one image has no label."""
    g = torch.Generator().manual_seed(0)
    model, x = MultiTaskModel(Heads(TASKS), TASKS).eval(), 0.3 + 0.4 * torch.rand(4, *SHAPE, generator=g)
    with torch.no_grad():
        left, right = (model(x)[task].argmax(dim=1) for task in ("left", "right"))
    truth = {
        "left": left.index_fill(0, torch.tensor([2]), UNKNOWN),
        "right": right.index_copy(0, torch.tensor([1]), (right[:1] + 1) % 4),
        "size": torch.rand(4, 2, generator=g),
        "depth": 1 + torch.rand(4, 1, *SHAPE[1:], generator=g),
    }
    return model, Batch(x, truth, tuple("abcd"))


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_keep_the_budget_and_scores_are_defined(name: str) -> None:
    model, batch = model_and_batch()
    attack = load_attack(name, **{key: few for key, few in FEW.items() if key in settings_of(name)})
    assert_within_budget(attack, model, batch, linf)
    clean, attacked = clean_pass(model, [batch]), attacked_pass(model, [batch], attack, linf, Noise())
    before, after = (scores(TASKS, part.statistics) for part in (clean, attacked))
    found = degradation(TASKS, before, after, clean.losses, attacked.losses)
    assert {*found.tasks} == {*TASKS}
    assert None not in [found.tasks[task].value for task in ("left", "right", "size")]


@pytest.mark.parametrize("losses", ["aligned", "masked-ce", "margin", "js"])
def test_label_losses_reach_every_task_of_their_kind(losses: str) -> None:
    model, batch = model_and_batch()
    other = with_losses(model, losses_of(losses)).losses(batch)
    predictions, classification = model(batch.x), losses_of(losses)["classification"]
    for task in ("left", "right"):
        assert torch.equal(other[task], classification(predictions[task], batch.truth[task]))
    plain = model.losses(batch)
    assert torch.equal(other["size"], plain["size"])
    assert not torch.equal(other["right"], plain["right"])  # where one image is wrong already


@pytest.mark.parametrize("name", ["dgba-pgd@aligned", "single:left-fgsm@margin", "square"])
def test_the_kit_passes_attacks_on_such_models(name: str) -> None:
    model, batch = model_and_batch()
    found = examine(partial(load_attack, name), tuple(settings_of(name)), model, batch)
    assert {title: finding.found for title, finding in found.items() if finding.result == "fail"} == {}


def test_a_task_is_attacked_by_the_name_that_the_model_gives_it() -> None:
    model, batch = model_and_batch()
    x = load_attack("single:right-fgsm")(model, batch, linf, Noise())
    at = batch.x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model.losses(batch.at(at))["right"].sum(), at)
    assert torch.equal(x, linf.project(batch.x, batch.x + linf.eps * gradient.sign()))
    with pytest.raises(BadInputError, match="unknown task of attack single 'classification'"):
        load_attack("single:classification-fgsm")(model, batch, linf, Noise())

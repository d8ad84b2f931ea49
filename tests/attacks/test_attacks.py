"""Attacks by name and settings, and laws of single ones; what all attacks share is in test_conformance.py."""

from __future__ import annotations

import math
import re

import pytest
import torch
from helpers.asserts import assert_batch_size_invariant, assert_within_budget, assert_zero_budget_is_clean
from helpers.threats import linf
from helpers.toys import curved_model
from torch import nn

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.balancing.base import Iterate, gradient_of_sum
from mtrbench.attacks.balancing.dgba import Dgba
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.attacks.listing import full_names
from mtrbench.attacks.registry import describe
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.tally import tallying
from mtrbench.benchmark.protocol.types import MultiTaskModel

ATTACKS = full_names(("a",))


@pytest.mark.parametrize("name", ["total-pgd", "dgba-pgd"])
def test_random_start_is_the_samples_own(name: str) -> None:
    attack = load_attack(name, random_start=True, steps=2)
    assert_batch_size_invariant(attack, curved_model(), middle_batch(), linf)
    assert_zero_budget_is_clean(attack, curved_model(), middle_batch(), "linf")
    other = attack(curved_model(), middle_batch(), linf, Noise(1))
    assert not torch.equal(other, attack(curved_model(), middle_batch(), linf, Noise(2)))


class Scaled(nn.Module):
    """Multiplies one task's prediction, and so its affine loss, by a factor."""

    def __init__(self, net: nn.Module, task: str, factor: float) -> None:
        super().__init__()
        self.net, self.task, self.factor = net, task, factor

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {task: value * (self.factor if task == self.task else 1) for task, value in self.net(x).items()}


@pytest.mark.parametrize("factor", [0.125, 8.0])
@pytest.mark.parametrize(("name", "same"), [("dgba-pgd", True), ("dgba:clean-pgd", True), ("total-pgd", False)])
def test_only_dgba_does_not_care_for_the_scale_of_a_loss(name: str, same: bool, factor: float) -> None:
    # A power of two scales floating-point losses and gradients exactly.
    model, batch = curved_model(), middle_batch()
    scaled = MultiTaskModel(Scaled(model.net, "a", factor), model.tasks)
    plain, other = (load_attack(name)(m, batch, linf, Noise()) for m in (model, scaled))
    changed = (plain != other).float().mean().item()
    assert changed == 0 if same else changed > 0.05


@pytest.mark.parametrize("denominator", ["current", "clean"])
def test_dgba_climbs_the_relative_losses(denominator: str) -> None:
    model, batch = curved_model(), middle_batch()
    clean = {task: loss.detach() for task, loss in model.losses(batch).items()}
    x = (batch.x + 0.01).requires_grad_()
    losses = model.losses(batch.at(x))
    if denominator == "current":
        objective = {task: loss.log() for task, loss in losses.items()}
    else:
        objective = {task: loss / clean[task] for task, loss in losses.items()}
    expected = gradient_of_sum(objective, x) / len(losses)
    at = Iterate(x, model.losses(batch.at(x)), clean, batch.ids, 1, Noise(), {}, linf)
    found = Dgba(denominator).fields(at)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("denominator", ["current", "clean"])
def test_both_solvers_make_the_same_perturbation_bit_for_bit(denominator: str) -> None:
    made = [
        load_attack(f"dgba:{denominator}-pgd", solver=solver)(curved_model(), middle_batch(), linf, Noise())
        for solver in ("cp-sat", "closed-form")
    ]
    assert torch.equal(*made)


def test_dgba_counts_its_programs() -> None:
    with tallying() as found:
        load_attack("dgba-pgd", steps=3)(curved_model(), middle_batch(5), linf, Noise())
    assert found.sums == {"cp-sat": 15, "optimal": 15}
    assert found.peaks == {"gap": 0.0}


def test_dgba_survives_a_sample_without_valid_pixels() -> None:
    model, batch = linear_model(bias=0.0), middle_batch()
    batch = batch.at(torch.zeros_like(batch.x))  # <w, 0> + 0: all losses are exactly zero
    assert_within_budget(load_attack("dgba-pgd"), model, batch, linf)


@pytest.mark.parametrize("name", ATTACKS)
def test_description_makes_the_attack_again(name: str) -> None:
    attack = load_attack(name)
    _, settings = describe(name, attack)
    assert load_attack(name, **settings) == attack


def test_settings_reach_optimizer_and_balancing() -> None:
    attack = load_attack("dgba-pgd", steps=3, denominator="clean", solver="closed-form")
    assert attack == load_attack("dgba:clean-pgd", steps=3, solver="closed-form")


def test_module_and_object_stand_for_a_name() -> None:
    assert load_attack("mtrbench.attacks.whole.noise:RandomNoise") == load_attack("noise")


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("dgba-pdg", {}, "unknown attack 'dgba-pdg'; did you mean dgba-pgd"),
        ("totl-pgd", {}, "did you mean total-pgd"),
        ("nosie", {}, "did you mean noise"),
        ("single-pgd", {}, "write single:TASK-pgd"),
        ("total:depth-pgd", {}, "total takes no argument; write total-pgd"),
        ("dgba:now-pgd", {}, "unknown denominator of dgba 'now'; known: clean, current"),
        ("total-pgd", {"step": 3}, "unknown setting of attack 'total-pgd': 'step'; did you mean steps"),
        ("total-pgd", {"steps": 0}, "steps of pgd must be at least 1, not 0"),
        ("total-pgd", {"steps": 2.5}, "steps of total-pgd: Input should be a valid integer, not 2.5"),
        ("total-pgd", {"steps": True}, "steps of total-pgd: Input should be a valid integer, not True"),
        ("total-pgd", {"random_start": "no"}, "random_start of total-pgd: Input should be a valid boolean, not 'no'"),
        ("dgba-pgd", {"solver": 7}, "solver of dgba-pgd: Input should be a valid string, not 7"),
        ("dgba-pgd[steps=" + "[" * 5000 + "]", {}, "steps of dgba-pgd: Input should be a valid integer"),
        ("dgba-pgd[steps=" + "9" * 5000 + "]", {}, "steps of dgba-pgd: Input should be a valid integer"),
        ("total-pgd", {"reach": math.nan}, "reach of pgd must be above 0"),
        ("no.such.module:thing", {}, "no module no is installed"),
        ("my-attack.py:Mine", {}, "write a file as ./file.py:Object"),
        ("total-./mine.py[steps=3]", {}, "names no object of the file"),
        ("sinlge:depth-pgd", {}, "unknown balancing 'sinlge'; did you mean single"),
        ("mtrbench.attacks.whole.noise:Nothing", {}, "unknown attack"),
        ("mtrbench.attacks.whole.noise:__doc__", {}, "is a str, not a whole attack"),
    ],
)
def test_bad_names_and_settings(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)) as caught:
        load_attack(name, **settings)
    assert "\n" not in str(caught.value)


def test_single_names_the_tasks_it_could_attack() -> None:
    with pytest.raises(BadInputError, match="unknown task of attack single 'depht'; known: a, b"):
        load_attack("single:depht-pgd")(linear_model(), middle_batch(), linf, Noise())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dgba-pgd[steps=3]", ("dgba-pgd", {"steps": 3})),
        ("total-apgd@aligned[steps=3, rho=0.5]", ("total-apgd@aligned", {"steps": 3, "rho": 0.5})),
        ("total-pgd[random_start=true]", ("total-pgd", {"random_start": True})),
        ("dgba-pgd[denominator=clean]", ("dgba-pgd", {"denominator": "clean"})),
        ("noise[kind=uniform]", ("noise:uniform", {})),
    ],
)
def test_settings_in_brackets(name: str, expected: tuple[str, dict[str, object]]) -> None:
    plain, settings = expected
    assert load_attack(name) == load_attack(plain, **settings)


@pytest.mark.parametrize("name", ["dgba-pgd[steps]", "dgba-pgd[=3]", "dgba-pgd[steps=3,steps=4]", "dgba-pgd[steps=]"])
def test_settings_in_brackets_that_cannot_be_read(name: str) -> None:
    with pytest.raises(BadInputError, match=re.escape("write its settings as dgba-pgd[steps=20,reach=2], each once")):
        load_attack(name)


def test_uniform_noise_fills_the_budget() -> None:
    batch = middle_batch(8)
    change = (load_attack("noise:uniform")(linear_model(), batch, linf, Noise()) - batch.x) / linf.eps
    assert change.abs().max() <= 1 + 1e-5
    assert abs(change.mean()) < 0.05
    assert abs(change.abs().mean() - 0.5) < 0.05

"""Every registered attack has the properties of an attack, and the known optimum where there is one."""

from __future__ import annotations

import math
import re

import pytest
import torch
from asserts import (
    assert_batch_size_invariant,
    assert_beats_noise,
    assert_leaves_model_untouched,
    assert_repeats,
    assert_within_budget,
    assert_zero_budget_is_clean,
)
from torch import nn
from toys import linear_model, middle_batch

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.balancing.base import Iterate, gradient_of_sum
from mtrbench.attacks.balancing.dgba import Dgba
from mtrbench.attacks.registry import describe, names, settings_of
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.tally import tallying
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Attack, MultiTaskModel

ATTACKS = [name.replace(":TASK", ":a") for name in names()]
WHITE_BOX = [name for name in ATTACKS if name != "noise"]
THREATS = [ThreatModel("linf", 4 / 255), ThreatModel("l2", 0.3)]

linf = THREATS[0]


def brief(name: str) -> Attack:
    """The attack with few steps: its laws hold for any number."""
    return load_attack(name, **({"steps": 3} if "steps" in settings_of(name) else {}))


def curved_model() -> MultiTaskModel:
    """A small smooth network on the toy's tasks: no closed form, but no linear model's symmetry either."""
    torch.manual_seed(0)
    model = linear_model()
    body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Softplus(), nn.Conv2d(4, 3, 3, padding=1), nn.Softplus())
    return MultiTaskModel(nn.Sequential(body, model.net), model.tasks.values()).eval()


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: threat.norm)
@pytest.mark.parametrize("name", ATTACKS)
class TestEveryAttack:
    def test_properties(self, name: str, threat: ThreatModel) -> None:
        attack, model, batch = brief(name), curved_model(), middle_batch(3)
        assert_within_budget(attack, model, batch, threat)
        assert_zero_budget_is_clean(attack, model, batch, threat.norm)
        assert_leaves_model_untouched(attack, model, batch, threat)
        assert_repeats(attack, model, batch, threat)
        assert_batch_size_invariant(attack, model, batch, threat)

    def test_stays_in_the_range_of_images(self, name: str, threat: ThreatModel) -> None:
        batch = middle_batch(3)
        batch = batch.at((batch.x > 0.5).float())
        assert_within_budget(brief(name), curved_model(), batch, threat)


@pytest.mark.parametrize("name", WHITE_BOX)
def test_beats_noise(name: str) -> None:
    batch = middle_batch()
    model = curved_model().only(("a",)) if name.startswith("single") else curved_model()
    assert_beats_noise(brief(name), model, batch, linf, load_attack("noise"))


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: threat.norm)
@pytest.mark.parametrize("name", [name for name in WHITE_BOX if "protected" not in name])
def test_reaches_the_optimum_of_a_linear_model(name: str, threat: ThreatModel) -> None:
    # With one task every balancing climbs the same loss, unless it is to spare that one; the most it can gain is
    # eps times the dual norm of w.
    model, batch = linear_model(("a",)), middle_batch(tasks=("a",))
    w = model.net.weights["a"].detach()
    dual = w.abs().sum() if threat.norm == "linf" else w.norm()
    gain = model.losses(batch.at(load_attack(name)(model, batch, threat, Noise())))["a"] - model.losses(batch)["a"]
    torch.testing.assert_close(gain, (threat.eps * dual).expand(len(gain)), rtol=1e-4, atol=1e-4)


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
    scaled = MultiTaskModel(Scaled(model.net, "a", factor), model.tasks.values())
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
    at = Iterate(x, model.losses(batch.at(x)), clean, batch.ids, 1, Noise(), {})
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
    assert load_attack("mtrbench.attacks.noise:Noise") == load_attack("noise")


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
        ("total-pgd", {"reach": math.nan}, "reach of pgd must be above 0"),
        ("no.such.module:thing", {}, "cannot be imported"),
        ("mtrbench.attacks.noise:Nothing", {}, "cannot be imported"),
        ("mtrbench.attacks.noise:__doc__", {}, "is not a class or function"),
    ],
)
def test_bad_names_and_settings(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)) as caught:
        load_attack(name, **settings)
    assert "\n" not in str(caught.value)


def test_single_names_the_tasks_it_could_attack() -> None:
    with pytest.raises(BadInputError, match="unknown task of attack single 'depht'; known: a, b"):
        load_attack("single:depht-pgd")(linear_model(), middle_batch(), linf, Noise())

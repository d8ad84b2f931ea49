"""The laws of the optimizers that are theirs alone; what all attacks share is in test_conformance.py."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
import torch
from helpers.asserts import assert_batch_size_invariant
from helpers.iterates import Watched
from helpers.threats import both_norms, linf
from helpers.toys import curved_model
from torch import Tensor

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.balancing.total import Total
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.attacks.optimizers.mim import MIM, of_unit_sum
from mtrbench.attacks.optimizers.ni import NI
from mtrbench.attacks.optimizers.vmi import VMI
from mtrbench.attacks.tables import BALANCINGS, OPTIMIZERS
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.registry import Registry
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel

ITERATED = [name for name in OPTIMIZERS if name != "fgsm"]


@both_norms
@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("name", ITERATED)
def test_reaches_the_optimum_of_a_linear_model_in_any_number_of_steps(
    name: str, steps: int, threat: ThreatModel
) -> None:
    model, batch = linear_model(), middle_batch()
    w = sum(weight.detach() for weight in model.net.weights.values())
    dual = w.abs().sum() if threat.norm == "linf" else w.norm()
    x = load_attack(f"total-{name}", steps=steps)(model, batch, threat, Noise())
    gain = sum(model.losses(batch.at(x)).values()) - sum(model.losses(batch).values())
    torch.testing.assert_close(gain, (threat.eps * dual).expand(len(gain)), rtol=1e-4, atol=1e-4)


def test_no_setting_belongs_to_a_balancing_and_an_optimizer_both() -> None:
    def settings(registry: Registry) -> set[str]:
        return {field.name for name in registry for field in fields(registry.get(name))}

    assert not settings(BALANCINGS) & settings(OPTIMIZERS)


# Momentum.


@both_norms
@pytest.mark.parametrize("balancing", ["total", "signsum"])
def test_mim_without_decay_is_pgd(balancing: str, threat: ThreatModel) -> None:
    model, batch = curved_model(), middle_batch()
    plain, forgetful = (load_attack(f"{balancing}-{name}", **kw) for name, kw in (("pgd", {}), ("mim", {"decay": 0.0})))
    torch.testing.assert_close(forgetful(model, batch, threat, Noise()), plain(model, batch, threat, Noise()))


@both_norms
def test_mim_adds_up_fields_of_unit_sum(threat: ThreatModel) -> None:
    model, batch = curved_model(), middle_batch()
    watched = Watched()
    made = MIM(watched, steps=3, decay=0.5)(model, batch, threat, Noise())
    x, momentum = batch.x, 0
    for k in range(3):
        torch.testing.assert_close(watched.seen[k], x)
        momentum = 0.5 * momentum + _of_unit_sum(_gradient(model, batch, x))
        x = threat.project(batch.x, x + threat.eps / 3 * threat.ascend(momentum))
    torch.testing.assert_close(made, x)


def _gradient(model: MultiTaskModel, batch: Batch, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(sum(model.losses(batch.at(x)).values()).sum(), x)[0]


def _of_unit_sum(gradient: Tensor) -> Tensor:
    return gradient / gradient.abs().flatten(1).sum(dim=1).view(-1, 1, 1, 1)


def test_fields_of_unit_sum() -> None:
    fields = torch.tensor([[1.0, -3.0], [0.0, 0.0], [1e-30, 1e-30]]).view(1, 3, 1, 1, 2)
    expected = torch.tensor([[0.25, -0.75], [0.0, 0.0], [0.5, 0.5]]).view_as(fields)
    torch.testing.assert_close(of_unit_sum(fields), expected)


@both_norms
@pytest.mark.parametrize("variant", [NI(Total(), ahead=0.0), VMI(Total(), neighbours=0)], ids=["ni", "vmi"])
def test_variants_without_their_extra_are_mim(variant: NI | VMI, threat: ThreatModel) -> None:
    model, batch = curved_model(), middle_batch()
    assert torch.equal(variant(model, batch, threat, Noise()), MIM(Total())(model, batch, threat, Noise()))


@both_norms
def test_ni_looks_where_its_momentum_leads(threat: ThreatModel) -> None:
    watched = Watched()
    batch = middle_batch()
    made = NI(watched, steps=2, reach=0.5)(linear_model(), batch, threat, Noise())
    # On a linear model all steps are alike: the second look is two steps away, and so is the end.
    assert torch.equal(watched.seen[0], batch.x)
    torch.testing.assert_close(watched.seen[1], made)
    torch.testing.assert_close(threat.distance(batch.x, made), torch.full((4,), 0.5 * threat.eps).double())


@both_norms
def test_vmi_asks_its_neighbours_within_the_radius_and_remembers_none(threat: ThreatModel) -> None:
    watched = Watched()
    batch = middle_batch()
    VMI(watched, steps=2, neighbours=3)(linear_model(), batch, threat, Noise())
    assert len(watched.seen) == 2 + 3  # none are asked for after the last step
    for neighbour in watched.seen[1:4]:
        distance = threat.distance(batch.x, neighbour)
        assert ((distance > 0.5 * threat.eps) & (distance < 1.501 * threat.eps)).all()
    assert not torch.equal(watched.seen[1], watched.seen[2])


@both_norms
def test_vmi_adds_the_variance_of_the_step_before(threat: ThreatModel) -> None:
    model, batch = curved_model(), middle_batch()
    watched = Watched()
    made = VMI(watched, steps=2, neighbours=2, radius=20.0)(model, batch, threat, Noise())
    first, one, two, second = (_gradient(model, batch, x) for x in watched.seen)
    momentum = _of_unit_sum(first) + _of_unit_sum(second + (one + two) / 2 - first)
    expected = threat.project(batch.x, watched.seen[3] + threat.eps / 2 * threat.ascend(momentum))
    torch.testing.assert_close(made, expected)
    assert not torch.equal(made, MIM(Total(), steps=2)(model, batch, threat, Noise()))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("mim", {"steps": 0}, "steps of mim must be at least 1, not 0"),
        ("mim", {"decay": -1.0}, "mim needs reach > 0 and decay >= 0, not 1.0 and -1.0"),
        ("ni", {"ahead": -1.0}, "ahead of ni must be at least 0"),
        ("vmi", {"neighbours": -1}, "vmi needs neighbours >= 0 and radius > 0"),
        ("vmi", {"radius": 0.0}, "vmi needs neighbours >= 0 and radius > 0"),
        ("apgd", {"steps": 0}, "steps of apgd must be at least 1"),
        ("apgd", {"rho": 1.5}, "rho of apgd must be in 0 to 1"),
    ],
)
def test_bad_settings(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)):
        load_attack(f"total-{name}", **settings)


class TestRestarts:
    def test_every_sample_keeps_its_best_run(self) -> None:
        # A single run's objective, by restarts: the draws of the first runs are the same.
        model, batch = curved_model(), middle_batch(6)
        clean = sum(model.losses(batch).values())

        def gains(restarts: int) -> Tensor:
            attack = load_attack("total-pgd", steps=1, reach=0.2, random_start=True, restarts=restarts)
            return sum(model.losses(batch.at(attack(model, batch, linf, Noise()))).values()) - clean

        few, many = gains(1), gains(6)
        assert (many >= few).all()
        assert (many > few).any()

    def test_batch_size_does_not_matter(self) -> None:
        attack = load_attack("dgba-pgd", steps=2, random_start=True, restarts=3)
        assert_batch_size_invariant(attack, curved_model(), middle_batch(), linf)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"restarts": 0, "random_start": True}, "restarts of pgd must be at least 1, not 0"),
            ({"restarts": 2}, "end alike without a random start"),
        ],
    )
    def test_senseless_ones_are_refused(self, settings: dict[str, object], message: str) -> None:
        with pytest.raises(BadInputError, match=message):
            load_attack("total-pgd", **settings)

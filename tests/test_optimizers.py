"""The laws of the optimizers that are theirs alone; what all attacks share is in test_conformance.py."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields

import pytest
import torch
from asserts import assert_batch_size_invariant
from test_attacks import THREATS, linf
from torch import Tensor

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.balancing.base import Iterate, objective_of, relative_change
from mtrbench.attacks.balancing.total import Total
from mtrbench.attacks.conformance.toys import curved_model, linear_model, middle_batch
from mtrbench.attacks.optimizers.apgd import APGD, checkpoints
from mtrbench.attacks.optimizers.mim import MIM, of_unit_sum
from mtrbench.attacks.optimizers.ni import NI
from mtrbench.attacks.optimizers.pgd import PGD
from mtrbench.attacks.optimizers.vmi import VMI
from mtrbench.attacks.registry import BALANCINGS, OPTIMIZERS
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.registry import Registry
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel

ITERATED = [name for name in OPTIMIZERS if name != "fgsm"]
both_norms = pytest.mark.parametrize("threat", THREATS, ids=lambda threat: threat.norm)


@dataclass(frozen=True)
class Watched(Total):
    """TOTAL that keeps the images it is asked about and its objective at all points."""

    seen: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)

    def fields(self, at: Iterate) -> Tensor:
        self.seen.append(at.x.detach())
        return super().fields(at)

    def objective(self, at: Iterate) -> Tensor:
        self.values.append(super().objective(at).detach())
        return self.values[-1]


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


# APGD.


def test_checkpoints_by_hand() -> None:
    # p = 0, .22, .41, .57, .70, .80, .87, .93, .99 (steps of .22 .19 .16 .13 .10 .07 and then .06).
    assert checkpoints(100) == (0, 22, 41, 57, 70, 80, 87, 93, 99)
    assert checkpoints(10) == (0, 3, 5, 6, 7, 8, 9)
    assert checkpoints(1) == (0,)


@both_norms
@pytest.mark.parametrize("random_start", [False, True])
def test_apgd_returns_the_best_point_of_every_sample(random_start: bool, threat: ThreatModel) -> None:
    model, batch = curved_model(), middle_batch()
    watched = Watched()
    x = APGD(watched, steps=9, random_start=random_start)(model, batch, threat, Noise())
    assert len(watched.seen) == 9
    assert len(watched.values) == 10
    assert torch.equal(Watched().objective(_at(model, batch, x)), torch.stack(watched.values).amax(dim=0))


def test_apgd_starts_from_the_clean_image() -> None:
    class Downhill(Total):
        def direction(self, fields: Tensor, threat: ThreatModel) -> Tensor:
            return -super().direction(fields, threat)

    batch = middle_batch()
    assert torch.equal(APGD(Downhill())(linear_model(), batch, linf, Noise()), batch.x)


@both_norms
@pytest.mark.parametrize("name", ["total-apgd", "dgba-apgd"])
def test_apgd_halves_per_sample(name: str, threat: ThreatModel) -> None:
    # In float64: over many steps the rounding of another batch size may turn a decision to halve.
    batch = middle_batch()
    attack = load_attack(name, steps=30, random_start=True)
    assert_batch_size_invariant(attack, curved_model().double(), batch.at(batch.x.double()), threat)


@dataclass(frozen=True)
class Peaked(Total):
    """Climbs -|x - peak| of every pixel; steps that are too long jump over the peak for ever."""

    peak: float = 0.5

    def fields(self, at: Iterate) -> Tensor:
        return (self.peak - at.x.detach()).sign().unsqueeze(0)

    def objective(self, at: Iterate) -> Tensor:
        return -(at.x.detach() - self.peak).abs().flatten(1).mean(dim=1)


def test_apgd_halves_until_it_finds_a_peak_inside_the_budget() -> None:
    # Every sample is as far from the peak as its number says; the last lies outside the budget and never halves early.
    away = torch.tensor([0.003, 0.011, 0.017, 0.5]).view(-1, 1, 1, 1)
    batch = middle_batch()
    batch = batch.at((0.5 - away).expand_as(batch.x).clone())
    threat = ThreatModel("linf", 0.02)
    x = APGD(Peaked(), steps=100)(linear_model(), batch, threat, Noise())
    left = (x - 0.5).abs().amax(dim=(1, 2, 3))
    assert (left[:3] < 0.001).all()
    assert (PGD(Peaked())(linear_model(), batch, threat, Noise())[:3] - 0.5).abs().amax() <= 0.002
    torch.testing.assert_close(left[3], torch.tensor(0.48))


def test_apgd_by_hand() -> None:
    # One sample at 0.49, peak at 0.5, eps 0.04: length 0.08, and all steps are clipped to [0.45, 0.53].
    # x_1 = 0.53; z = 0.45, x_2 = 0.53 + .75 (0.45 - 0.53) + .25 (0.53 - 0.49) = 0.48;
    # z = 0.53, x_3 = 0.48 + .75 * 0.05 + .25 (0.48 - 0.53) = 0.505. Of 3 steps two rose: 2 < 0.75 * 3, so halve to
    # 0.04 and go on from the best, 0.505: z = 0.465, x_4 = 0.505 - .75 * 0.04 + .25 (0.505 - 0.48) = 0.48125.
    class Noted(Peaked):
        def fields(self, at: Iterate) -> Tensor:
            points.append(at.x[0, 0, 0, 0].item())
            return super().fields(at)

    points: list[float] = []
    batch = middle_batch(1)
    batch = batch.at(torch.full_like(batch.x, 0.49))
    APGD(Noted(), steps=10)(linear_model(), batch, ThreatModel("linf", 0.04), Noise())
    assert points[:5] == pytest.approx([0.49, 0.53, 0.48, 0.505, 0.48125], abs=1e-6)


# What apgd climbs.


def _at(model: MultiTaskModel, batch: Batch, x: Tensor) -> Iterate:
    with torch.no_grad():
        losses, clean = model.losses(batch.at(x)), model.losses(batch)
    return Iterate(x, losses, clean, batch.ids, 0, Noise(), {}, linf)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("single:a", 3.0), ("total", 2.0), ("signsum", 2.0), ("dgba", (3 - 2) / 2 / 2 + (-1 + 4) / 4 / 2)],
)
def test_objectives_by_hand(name: str, expected: float) -> None:
    losses, clean = ({"a": torch.tensor([a]), "b": torch.tensor([b])} for a, b in ((3.0, -1.0), (2.0, -4.0)))
    at = Iterate(torch.zeros(1), losses, clean, ("0",), 1, Noise(), {}, linf)
    balancing = load_attack(f"{name}-pgd").balancing
    assert objective_of(balancing, at).tolist() == [expected]


def test_relative_change_is_finite_where_the_clean_loss_is_zero() -> None:
    zero = {"a": torch.zeros(2)}
    at = Iterate(torch.zeros(1), zero, zero, ("0", "1"), 1, Noise(), {}, linf)
    assert relative_change(at).tolist() == [0, 0]


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

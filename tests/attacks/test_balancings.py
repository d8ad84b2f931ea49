"""Every balancing against its formula, or against the optimum that is known."""

from __future__ import annotations

import math
import re

import pytest
import torch
from helpers.asserts import assert_within_budget
from helpers.iterates import TASKS, iterate, made_of
from helpers.threats import both_norms, linf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.balancing.base import Balancing, Iterate, gradients_apart, objective_of
from mtrbench.attacks.balancing.dgba import Dgba
from mtrbench.attacks.balancing.minmax import MinMax
from mtrbench.attacks.balancing.moo import Moo
from mtrbench.attacks.balancing.random_task import RandomTask
from mtrbench.attacks.balancing.signsum import SignSum
from mtrbench.attacks.balancing.simplex import project_onto_simplex
from mtrbench.attacks.balancing.smta import Smta
from mtrbench.attacks.balancing.total import Total
from mtrbench.attacks.balancing.wgd import Wgd
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel


def weighted(at: Iterate, weights: torch.Tensor) -> torch.Tensor:
    """sum_t w_t g_t, with weights (T, B), as one field."""
    return torch.einsum("tb,tb...->b...", weights, gradients_apart(at.losses, at.x)).unsqueeze(0)


def ratios(at: Iterate) -> torch.Tensor:
    return torch.stack([at.losses[task].detach() / at.clean[task] for task in at.losses])


@pytest.mark.parametrize(
    "balancing", [Total(), SignSum(), Dgba(), Smta("t0"), MinMax(), Moo(), Wgd()], ids=lambda one: type(one).__name__
)
@pytest.mark.parametrize("size", [1, 3, 8, 32])
def test_what_is_climbed_is_each_samples_own_in_any_batch(balancing: Balancing, size: int) -> None:
    """With seven tasks, of which the order of a sum may depend on how many columns there are."""
    random = torch.Generator().manual_seed(0)
    losses, clean = ({f"t{i}": torch.rand(32, generator=random) + 0.1 for i in range(7)} for _ in range(2))
    whole, part = (
        objective_of(
            balancing,
            Iterate(
                torch.zeros(count, 1, 1, 1),
                {name: loss[:count] for name, loss in losses.items()},
                {name: loss[:count] for name, loss in clean.items()},
                tuple(map(str, range(count))),
                0,
                Noise(),
                {},
                linf,
            ),
        )
        for count in (32, size)
    )
    assert torch.equal(part, whole[:size])


class TestSimplex:
    columns = arrays.arrays("float64", st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.floats(-1e3, 1e3))

    @settings(deadline=None)
    @given(columns)
    def test_is_feasible_and_idempotent(self, points) -> None:
        projected = project_onto_simplex(torch.from_numpy(points))
        assert (projected >= 0).all()
        torch.testing.assert_close(projected.sum(dim=0), torch.ones(points.shape[1], dtype=torch.float64))
        torch.testing.assert_close(project_onto_simplex(projected), projected)

    @settings(deadline=None)
    @given(columns)
    def test_is_the_nearest_point(self, points) -> None:
        # w is nearest to v in a convex set just if <v - w, y - w> <= 0 for all y in it; here for all its corners.
        v = torch.from_numpy(points)
        w = project_onto_simplex(v)
        corners = (v - w) - ((v - w) * w).sum(dim=0)
        assert corners.max() <= 1e-9

    def test_leaves_weights_alone(self) -> None:
        weights = torch.tensor([[0.2, 1.0, 0.0], [0.3, 0.0, 0.5], [0.5, 0.0, 0.5]])
        torch.testing.assert_close(project_onto_simplex(weights), weights)


class TestWgd:
    def test_is_total_where_all_ratios_are_equal(self) -> None:
        torch.testing.assert_close(Wgd().fields(iterate()), Total().fields(iterate()))

    @pytest.mark.parametrize("exponent", [1.0, -1.0, 0.0])
    def test_formula(self, exponent: float) -> None:
        at = iterate(shift=0.1)
        expected = weighted(at, (ratios(at) / ratios(at).mean(dim=0)) ** exponent)
        torch.testing.assert_close(Wgd(exponent).fields(at), expected)

    def test_survives_losses_of_zero(self) -> None:
        batch = middle_batch()
        assert_within_budget(load_attack("wgd-pgd"), linear_model(bias=0.0), batch.at(torch.zeros_like(batch.x)), linf)


class TestSmta:
    def test_is_single_where_harm_is_free(self) -> None:
        model, batch = linear_model(TASKS), middle_batch(tasks=TASKS)
        single, free, stealthy = (
            load_attack(name, **settings)(model, batch, linf, Noise())
            for name, settings in (("single:b-pgd", {}), ("smta:b-pgd", {"c": 0.0}), ("smta:b-pgd", {}))
        )
        assert torch.equal(free, single)
        assert not torch.equal(stealthy, single)

    def test_formula(self) -> None:
        at = iterate(shift=0.1)
        prices = torch.tensor([[-0.2], [1.0], [-0.2]])
        expected = weighted(at, prices / torch.stack(list(at.clean.values())))
        torch.testing.assert_close(Smta("b", 0.2).fields(at), expected)
        torch.testing.assert_close(Smta("b", 0.2).objective(at), (prices * (ratios(at) - 1)).sum(dim=0))

    def test_protects_the_others_at_a_price(self) -> None:
        model, batch = linear_model(), middle_batch()
        made = [load_attack("smta:a-pgd", c=c)(model, batch, linf, Noise()) for c in (0.0, 0.2, 0.8)]
        for task in ("a", "b"):
            free, cheap, dear = (model.losses(batch.at(x))[task].mean().item() for x in made)
            assert free > cheap > dear

    def test_names_the_tasks_it_could_attack(self) -> None:
        with pytest.raises(BadInputError, match="unknown task of attack smta 'depht'; known: a, b, c"):
            Smta("depht").fields(iterate())


class TestMinMax:
    def test_starts_with_equal_weights(self) -> None:
        torch.testing.assert_close(MinMax().fields(iterate()), Total().fields(iterate()) / 3)

    def test_weight_moves_to_the_smallest_loss(self) -> None:
        rows, losses, even = torch.eye(3), torch.tensor([3.0, 1.0, 2.0]), torch.full((3,), 1 / 3)
        first, second = (made_of(rows, (3.0, 1.0, 2.0), index) for index in (1, 2))
        # The steps stay inside the simplex, where projecting is taking the mean off.
        expected = even + (losses.mean() - losses) / 50
        torch.testing.assert_close(MinMax(gamma=3.0, beta=50.0).fields(first).flatten(), expected)
        second.memory.update(first.memory)
        expected = expected + (losses.mean() - losses - 3 * (expected - even)) / 50
        torch.testing.assert_close(MinMax(gamma=3.0, beta=50.0).fields(second).flatten(), expected)

    @pytest.mark.parametrize("gamma", [0.0, 0.5, 3.0])
    def test_weights_tend_to_the_inner_minimum(self, gamma: float) -> None:
        balancing, memory, losses = MinMax(gamma, beta=10.0), {}, (3.0, 1.0, 2.0)
        for _ in range(200):
            at = made_of(torch.eye(3), losses, index=1)
            at.memory.update(memory)
            weights = balancing.fields(at).flatten()
            memory = at.memory
        value = weights @ torch.tensor(losses) + gamma / 2 * (weights - 1 / 3).square().sum()
        torch.testing.assert_close(balancing.objective(at), value.view(1))


class TestMoo:
    rows = torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])

    @pytest.mark.parametrize("gamma", [0.0, 1.0, 1e3])
    def test_weights_tend_to_the_known_optimum(self, gamma: float) -> None:
        # w^2 + 4 (1 - w)^2 + 2 gamma (w - 1/2)^2 is least at this w: 4/5, MGDA's, for gamma 0, and 1/2 for a large one.
        exact = (8 + 2 * gamma) / (10 + 4 * gamma)
        at = made_of(self.rows)
        field = Moo(gamma, rate=1 / (5 + gamma), rounds=1000).fields(at)
        torch.testing.assert_close(field.flatten(), torch.tensor([exact, 2 * (1 - exact), 0.0]), rtol=1e-4, atol=1e-4)

    def test_one_round_is_one_gradient_step(self) -> None:
        at = made_of(self.rows)
        logits = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        w = logits.softmax(dim=0)
        ((w @ self.rows.double()).square().sum() + 20 * (w - 0.5).square().sum()).backward()
        Moo().fields(at)
        torch.testing.assert_close(at.memory["logits"].squeeze(), -0.025 * logits.grad)


class TestRandomTask:
    def test_every_step_is_some_tasks_own(self) -> None:
        at = iterate(600)
        rows = gradients_apart(at.losses, at.x)
        hits = (RandomTask().fields(at) == rows).flatten(2).all(dim=2)
        assert (hits.sum(dim=0) == 1).all()
        # 200 of 600 expected, with a standard deviation of 11.5.
        assert (hits.sum(dim=1) - 200).abs().max() < 4 * 11.5

    def test_draws_anew_for_every_step_and_seed(self) -> None:
        made = [RandomTask().fields(iterate(50, index, noise=Noise(seed))) for index, seed in ((0, 0), (1, 0), (0, 1))]
        assert not torch.equal(made[0], made[1])
        assert not torch.equal(made[0], made[2])


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("wgd-pgd", {"exponent": math.inf}, "exponent of wgd must be finite"),
        ("smta-pgd", {}, "write smta:TASK-pgd"),
        ("smta:a-pgd", {"c": -0.1}, "c of smta must be finite and not negative, not -0.1"),
        ("minmax-pgd", {"gamma": math.nan}, "gamma of minmax must be finite and not negative"),
        ("minmax-pgd", {"beta": 0.0}, "beta of minmax must be finite and above 0"),
        ("moo-pgd", {"gamma": -1.0}, "gamma of moo must be finite and not negative"),
        ("moo-pgd", {"rate": 0.0}, "rate of moo must be finite and above 0"),
        ("moo-pgd", {"rounds": 0}, "rounds of moo must be at least 1"),
    ],
)
def test_bad_settings(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)):
        load_attack(name, **settings)


@both_norms
def test_a_protected_task_does_not_notice_to_first_order(threat: ThreatModel) -> None:
    model, batch = linear_model(), middle_batch()  # on a linear model first order is all there is
    clean = model.losses(batch)
    changes = {}
    for name in ("dgba-protected:a-pgd", "dgba-pgd"):
        attacked = model.losses(batch.at(load_attack(name)(model, batch, threat, Noise())))
        changes[name] = {task: attacked[task] - clean[task] for task in clean}
    spared, free = changes["dgba-protected:a-pgd"], changes["dgba-pgd"]
    assert (spared["a"].abs() < 0.05 * free["a"].abs()).all()
    assert (spared["b"] > 0.5 * free["b"]).all()


@both_norms
def test_the_worst_task_gains_more_than_under_the_average(threat: ThreatModel) -> None:
    model, batch = linear_model(), middle_batch()
    model.net.weights["b"].data *= 0.2
    model.net.weights["b"].data -= 0.1 * model.net.weights["a"].data
    clean = model.losses(batch)
    least = {}
    for name in ("dgba-worst-pgd", "dgba-pgd"):
        attacked = model.losses(batch.at(load_attack(name)(model, batch, threat, Noise())))
        least[name] = torch.stack([attacked[task] / clean[task] - 1 for task in clean]).amin(dim=0)
    assert (least["dgba-worst-pgd"] > 1.2 * least["dgba-pgd"].clamp(min=0)).all()


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("dgba-protected-pgd", {}, "write dgba-protected:TASK-pgd"),
        ("dgba-protected:a-pgd", {"tau": 0.0}, "tau of dgba-protected must be in (0, 1], not 0.0"),
    ],
)
def test_bad_settings_of_constrained_programs(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)):
        load_attack(name, **settings)

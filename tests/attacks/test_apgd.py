"""APGD: its checkpoints, its halved steps, and what it climbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from helpers.asserts import assert_batch_size_invariant
from helpers.iterates import Watched
from helpers.samples import perception
from helpers.threats import both_norms, linf
from helpers.toys import curved_model
from torch import Tensor

from mtrbench import load_attack
from mtrbench.attacks.balancing.base import Iterate, objective_of, relative_change
from mtrbench.attacks.balancing.total import Total
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.attacks.optimizers.apgd import APGD, checkpoints
from mtrbench.attacks.optimizers.pgd import PGD
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel


def test_checkpoints_by_hand() -> None:
    assert checkpoints(100) == (22, 41, 57, 70, 80, 87, 93, 99)  # periods of 22 19 16 13 10 7 6 6
    assert checkpoints(20) == (4, 7, 9, *range(10, 20))  # 4 3 2 1 1 1 ...
    assert checkpoints(3) == (1, 2)
    assert checkpoints(1) == ()


def test_checkpoints_are_those_of_the_fractions() -> None:
    for steps in range(1, 400):
        length, ends = max(int(0.22 * steps), 1), [0]
        while ends[-1] < steps:
            ends.append(ends[-1] + length)
            length = max(length - max(int(0.03 * steps), 1), max(int(0.06 * steps), 1))
        assert list(checkpoints(steps)) == ends[1:-1]


def one_image(loss: Callable[[Tensor], Tensor], clean: Tensor, eps: float, steps: int) -> Tensor:
    """Algorithm 1 of arXiv 2003.01690 on one image in L-infinity, from lists of all points and losses."""

    def inside(x: Tensor) -> Tensor:
        return x.clamp(clean - eps, clean + eps).clamp(0, 1)

    def looked_at(x: Tensor) -> None:
        x = x.detach().requires_grad_()
        losses.append(loss(x))
        gradients.append(torch.autograd.grad(losses[-1], x)[0])
        points.append(x.detach())

    def highest() -> int:
        return max(range(len(losses)), key=lambda i: losses[i].item())  # of equal ones the first

    points: list[Tensor] = []
    gradients: list[Tensor] = []
    losses: list[Tensor] = []
    looked_at(clean)
    length, here, before = 2 * eps, 0, clean  # `here` is the index of the point to go on from
    period, last_end, halved, best_then = max(int(0.22 * steps), 1), 0, True, losses[0]
    for k in range(1, steps + 1):
        x = points[here]
        z = inside(x + length * gradients[here].sign())
        looked_at(z if k == 1 else inside(x + 0.75 * (z - x) + 0.25 * (x - before)))
        before, here = x, k
        if k - last_end == period:
            rises = sum(i == 1 or bool(losses[i] > losses[i - 1]) for i in range(last_end + 1, k + 1))
            best = losses[highest()]
            halved = rises <= 0.75 * period or (not halved and bool(best_then >= best))
            if halved:
                length, here = length / 2, highest()
            period, last_end = max(period - max(int(0.03 * steps), 1), max(int(0.06 * steps), 1)), k
            best_then = best
    return points[highest()]


@pytest.mark.parametrize("task", ["segmentation", "depth"])
@pytest.mark.parametrize("steps", [1, 7, 20])
def test_on_one_loss_it_is_the_published_algorithm(task: str, steps: int) -> None:
    # Each image alone, so that both hand the network the same batch; then every bit agrees.
    model, batch = perception()
    for i, name in enumerate(batch.ids):
        own = Batch(batch.x[i : i + 1], {other: truth[i : i + 1] for other, truth in batch.truth.items()}, (name,))
        expected = one_image(lambda x, own=own: model.losses(own.at(x))[task].sum(), own.x, linf.eps, steps)
        assert torch.equal(load_attack(f"single:{task}-apgd", steps=steps)(model, own, linf, Noise()), expected)


@pytest.mark.parametrize("steps", [20, 60])
def test_so_it_is_where_steps_are_halved(steps: int) -> None:
    model, batch = curved_model().double(), middle_batch()
    batch = batch.at(batch.x.double())
    made = APGD(Total(), steps=steps)(model, batch, linf, Noise())
    for i, name in enumerate(batch.ids):
        own = Batch(batch.x[i : i + 1], {task: truth[i : i + 1] for task, truth in batch.truth.items()}, (name,))
        expected = one_image(
            lambda x, own=own: torch.stack([*model.losses(own.at(x)).values()]).sum(), own.x, linf.eps, steps
        )
        torch.testing.assert_close(made[i : i + 1], expected, rtol=0, atol=1e-12)


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
    # x_1 = 0.53; z = 0.45, x_2 = 0.53 + .75 (0.45 - 0.53) + .25 (0.53 - 0.49) = 0.48, nearer than x_1: both steps rose.
    # Now every step is a period. z = 0.53, x_3 = 0.48 + .75 * 0.05 + .25 (0.48 - 0.53) = 0.505, a rise and a new best;
    # z = 0.45, x_4 = 0.505 - .75 * 0.055 + .25 (0.505 - 0.48) = 0.47, no rise: halve to 0.04 and go on from 0.505,
    # from where the last step came, too: z = 0.465, x_5 = 0.505 - .75 * 0.04 = 0.475.
    class Noted(Peaked):
        def fields(self, at: Iterate) -> Tensor:
            points.append(at.x[0, 0, 0, 0].item())
            return super().fields(at)

    points: list[float] = []
    batch = middle_batch(1)
    batch = batch.at(torch.full_like(batch.x, 0.49))
    APGD(Noted(), steps=10)(linear_model(), batch, ThreatModel("linf", 0.04), Noise())
    assert points[:6] == pytest.approx([0.49, 0.53, 0.48, 0.505, 0.47, 0.475], abs=1e-6)


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

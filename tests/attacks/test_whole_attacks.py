"""The laws of single whole attacks; what all attacks share is in test_conformance.py."""

from __future__ import annotations

import math
import re
from functools import partial

import pytest
import torch
from helpers.asserts import assert_batch_size_invariant, assert_within_budget
from helpers.samples import perception
from helpers.threats import both_norms, linf
from helpers.toys import curved_model
from torch import Tensor

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.balancing.base import Iterate, gradients_apart, relative_change
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.attacks.losses.ascending import with_losses
from mtrbench.attacks.losses.sets import segmentation
from mtrbench.attacks.whole.auto_saga import PixelWeights, of_unit_mean, of_unit_peak
from mtrbench.attacks.whole.square import HALVINGS, Square
from mtrbench.benchmark.harness import measure
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel


def at(model: MultiTaskModel, batch: Batch, x: Tensor, index: int, memory: dict[str, Tensor]) -> Iterate:
    x, clean = x.detach().requires_grad_(), {name: loss.detach() for name, loss in model.losses(batch).items()}
    return Iterate(x, model.losses(batch.at(x)), clean, batch.ids, index, Noise(), memory, ThreatModel())


# SegPGD and CosPGD.


@both_norms
@pytest.mark.parametrize("name", ["segpgd", "cospgd"])
def test_is_total_pgd_where_it_knows_no_task(name: str, threat: ThreatModel) -> None:
    model, batch = curved_model(), middle_batch()
    plain = load_attack("total-pgd", reach=3.2, random_start=True)
    assert torch.equal(load_attack(name)(model, batch, threat, Noise()), plain(model, batch, threat, Noise()))


@both_norms
@pytest.mark.parametrize("name", ["segpgd", "cospgd"])
def test_are_attacks_on_segmentation_and_depth(name: str, threat: ThreatModel) -> None:
    attack, (model, batch) = load_attack(name, steps=3), perception()
    assert_within_budget(attack, model, batch, threat)
    assert_batch_size_invariant(attack, model, batch, threat)
    other = load_attack("total-pgd", steps=3, reach=3.2, random_start=True)
    assert not torch.equal(attack(model, batch, threat, Noise()), other(model, batch, threat, Noise()))


@pytest.mark.parametrize("steps", [1, 4])
def test_segpgd_follows_its_schedule(steps: int) -> None:
    model, batch = perception()
    x = batch.x
    for k in range(1, steps + 1):
        loss = partial(segmentation.segpgd, wrong=(k - 1) / (2 * steps))
        x = x.detach().requires_grad_()
        losses = with_losses(model, {"segmentation": loss}).losses(batch.at(x))
        (gradient,) = torch.autograd.grad(sum(losses.values()).sum(), x)
        x = linf.project(batch.x, x + 3.2 * linf.eps / steps * gradient.sign())
    attack = load_attack("segpgd", steps=steps, random_start=False)
    assert torch.equal(attack(model, batch, linf, Noise()), x.detach())


def test_cospgd_is_pgd_on_its_losses() -> None:
    model, batch = perception()
    other = load_attack("total-pgd@cospgd", reach=3.2, random_start=True)
    assert torch.equal(load_attack("cospgd")(model, batch, linf, Noise()), other(model, batch, linf, Noise()))


# Auto-SAGA.


@both_norms
def test_auto_saga_starts_with_all_tasks_alike(threat: ThreatModel) -> None:
    model, batch = linear_model(("a", "b", "c")), middle_batch(tasks=("a", "b", "c"))
    w = torch.stack([weight.detach() for weight in model.net.weights.values()])
    u = (w / w.abs().amax(dim=(1, 2, 3), keepdim=True)).sum(dim=0)
    expected = threat.project(batch.x, batch.x + threat.eps * threat.ascend(u.expand_as(batch.x)))
    found = load_attack("auto-saga", steps=1)(model, batch, threat, Noise())
    torch.testing.assert_close(found, expected)


def test_auto_saga_with_one_task_is_pgd() -> None:
    model, batch = curved_model().only(("a",)), middle_batch()
    found, plain = (load_attack(name)(model, batch, linf, Noise()) for name in ("auto-saga", "total-pgd"))
    assert torch.equal(found, plain)


def test_auto_saga_differentiates_its_surrogate() -> None:
    # F(a) = sum_t L_t(x + step tanh(fitting sum_t a_t h_t)) / L_t(clean), by autograd through the model.
    model, batch = curved_model(), middle_batch()
    rule = PixelWeights(step=0.01, rate=1.0, fitting=5.0)
    first = at(model, batch, batch.x, 0, {})
    rows = of_unit_peak(gradients_apart(first.losses, first.x))
    weights = torch.rand(rows.shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    after = batch.x + rule.step * (rule.fitting * (weights * rows).sum(dim=0)).tanh()
    relative = [loss / first.clean[name] for name, loss in model.losses(batch.at(after)).items()]
    expected, slope = torch.autograd.grad(torch.stack(relative).sum(), (weights, after))
    assert expected.abs().max() > 0
    torch.testing.assert_close(rule.slopes(weights.detach(), rows, slope), expected)


def test_auto_saga_learns_from_all_tasks() -> None:
    model, batch = curved_model(), middle_batch()
    rule, memory = PixelWeights(step=0.01, rate=2.0, fitting=5.0), {}
    rule.fields(at(model, batch, batch.x, 0, memory))
    before, second = dict(memory), at(model, batch, batch.x + 0.01, 1, memory)
    found = rule.fields(second)
    total = torch.stack([loss / second.clean[name] for name, loss in second.losses.items()]).sum()
    slope = of_unit_mean(torch.autograd.grad(total, second.x, retain_graph=True)[0])
    learned = before["weights"] + rule.rate * rule.slopes(before["weights"], before["rows"], slope)
    # Two weights that sum to 1: the projection halves what they are apart from that, within 0 and 1.
    first = ((1 + learned[0] - learned[1]) / 2).clamp(0, 1)
    torch.testing.assert_close(memory["weights"], torch.stack([first, 1 - first]))
    assert (memory["weights"] - 0.5).abs().max() > 0.01
    torch.testing.assert_close(found[0], (memory["weights"] * memory["rows"]).sum(dim=0))


def test_auto_saga_takes_t_backward_passes_per_step() -> None:
    found = measure(linear_model(), [middle_batch(3)], load_attack("auto-saga", steps=4), linf, Noise())
    assert (found.forwards, found.backwards) == (4 * 3, 4 * 2 * 3)


def test_auto_saga_survives_losses_and_gradients_of_zero() -> None:
    model, batch = linear_model(bias=0.0), middle_batch()
    model.net.weights["a"].data.zero_()
    assert_within_budget(load_attack("auto-saga"), model, batch.at(torch.zeros_like(batch.x)), linf)


# Square.


def rises(model: MultiTaskModel, batch: Batch, x: Tensor) -> Tensor:
    return relative_change(at(model, batch, x, 0, {})).detach()


@both_norms
def test_square_comes_near_the_optimum_of_a_linear_model(threat: ThreatModel) -> None:
    model, batch = linear_model(), middle_batch()
    clean = {name: loss.detach() for name, loss in model.losses(batch).items()}
    # ARLC = <w, x_adv - x>, and every value may change by eps, or in l2 by eps / sqrt(d).
    w = torch.stack([model.net.weights[name].detach() / clean[name].view(-1, 1, 1, 1) for name in clean]).mean(dim=0)
    size = threat.eps / (1 if threat.norm == "linf" else math.sqrt(w[0].numel()))
    share = rises(model, batch, Square()(model, batch, threat, Noise())) / (size * w.abs().sum(dim=(1, 2, 3)))
    assert share.min() > 0.9
    assert share.max() < 1 + 1e-4


@both_norms
def test_square_keeps_the_best_it_has_seen(threat: ThreatModel) -> None:
    model, batch, asked = curved_model(), middle_batch(), []
    with model.register_forward_pre_hook(lambda module, inputs: asked.append(inputs[0].clone())):
        found = Square(queries=40)(model, batch, threat, Noise())
    clean, *queries = asked
    values = torch.stack([rises(model, batch, x) for x in queries])
    assert torch.equal(clean, batch.x)
    assert len(values) == 40
    assert (values.amax(dim=0) > values[0]).all()
    torch.testing.assert_close(rises(model, batch, found), values.amax(dim=0))


def test_square_changes_one_square_a_query() -> None:
    model, batch, asked = curved_model(), middle_batch(2), []
    with model.register_forward_pre_hook(lambda module, inputs: asked.append(inputs[0].clone())):
        Square(queries=20)(model, batch, linf, Noise())
    _, best, *proposals = asked
    stripes = best - batch.x
    torch.testing.assert_close(stripes.abs(), torch.full_like(stripes, linf.eps))
    torch.testing.assert_close(stripes, stripes[:, :, :1].expand_as(stripes))
    for query, proposal in enumerate(proposals, start=1):
        side = Square(queries=20).side(query, *batch.x.shape[2:])
        for changed in (proposal != best).any(dim=1):
            # Values that had the sign already do not change, so the square is an upper bound.
            rows, columns = (changed.any(dim=dim).nonzero().flatten().tolist() for dim in (1, 0))
            assert not rows or max(rows) - min(rows) < side
            assert not columns or max(columns) - min(columns) < side
        better = rises(model, batch, proposal) > rises(model, batch, best)
        best = torch.where(better.view(-1, 1, 1, 1), proposal, best)


@pytest.mark.parametrize("queries", [500, 10_000])
def test_squares_shrink_on_the_papers_schedule(queries: int) -> None:
    attack = Square(queries=queries)
    for halved, point in enumerate(HALVINGS):
        last = point * queries // 10_000
        expected = [round(math.sqrt(0.8 / 2**n) * 1000) for n in (halved, halved + 1)]
        assert [attack.side(last, 1000, 1000), attack.side(last + 1, 1000, 1000)][last == 0 :] == expected[last == 0 :]
    assert attack.side(queries - 1, 4, 5) == 1
    assert Square(share=1.0).side(0, 4, 9) == 4


def test_square_needs_no_gradient_and_counts_its_queries() -> None:
    found = measure(linear_model(), [middle_batch(3)], Square(queries=7), linf, Noise())
    assert (found.forwards, found.backwards) == (8 * 3, 0)
    assert found.tally.sums == {"queries": 7 * 3}


def test_square_draws_for_every_seed_anew() -> None:
    model, batch = curved_model(), middle_batch()
    attack = Square(queries=10)
    assert not torch.equal(attack(model, batch, linf, Noise(1)), attack(model, batch, linf, Noise(2)))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("segpgd", {"steps": 0}, "steps of pgd must be at least 1, not 0"),
        ("cospgd", {"reach": 0.0}, "reach of pgd must be above 0, not 0.0"),
        ("auto-saga", {"steps": 0}, "steps of pgd must be at least 1, not 0"),
        ("auto-saga", {"rate": math.inf}, "rate of auto-saga must be finite and not negative, not inf"),
        ("auto-saga", {"fitting": 0.0}, "fitting of auto-saga must be finite and above 0, not 0.0"),
        ("square", {"queries": 0}, "queries of square must be at least 1, not 0"),
        ("square", {"share": 1.5}, "share of square must be above 0 and at most 1, not 1.5"),
    ],
)
def test_bad_settings(name: str, settings: dict[str, float], message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)):
        load_attack(name, **settings)

"""Attack losses against naive loops, where they have gradients, and the `@` in an attack's name."""

from __future__ import annotations

import math
import re
from itertools import product

import pytest
import torch
from helpers.asserts import assert_batch_size_invariant, assert_leaves_model_untouched, assert_within_budget
from helpers.samples import NOTHING, perception, sample, task_of
from helpers.threats import linf
from helpers.toys import curved_model
from torch import Tensor, nn

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.conformance.toys import middle_batch
from mtrbench.attacks.doors import Loss
from mtrbench.attacks.losses import depth, normals
from mtrbench.attacks.losses.ascending import Ascending, WithLoss
from mtrbench.attacks.losses.registry import LOSSES
from mtrbench.attacks.losses.sets import segmentation
from mtrbench.attacks.registry import describe, settings_of
from mtrbench.benchmark.protocol.noise import Noise


def masked_ce(z: Tensor, y: Tensor) -> float:
    return -z.softmax(0)[y].log().item() if z.argmax() == y else 0.0


def margin(z: Tensor, y: Tensor) -> float:
    return max(z[j].item() for j in range(len(z)) if j != y) - z[y].item()


def js(z: Tensor, y: Tensor) -> float:
    p, one_hot = z.softmax(0), torch.eye(len(z), dtype=z.dtype)[y]
    middle = (p + one_hot) / 2
    return sum(0.5 * (q * (q / m).log()).nan_to_num().sum().item() for q, m in ((p, middle), (one_hot, middle)))


def segpgd(z: Tensor, y: Tensor) -> float:
    return -z.softmax(0)[y].log().item() * (0.75 if z.argmax() == y else 0.25)


def cospgd_of_labels(z: Tensor, y: Tensor) -> float:
    p = z.softmax(0)
    return -p[y].log().item() * (p[y] / p.norm()).item()


def relative(prediction: Tensor, truth: Tensor) -> float:
    return abs(prediction - truth).item() / truth.item()


def log(prediction: Tensor, truth: Tensor) -> float:
    return abs(math.log(max(prediction.item(), 1e-3)) - math.log(truth.item()))


def angle(prediction: Tensor, truth: Tensor) -> float:
    return math.acos(max(-1.0, min(1.0, ((prediction @ truth) / prediction.norm() / truth.norm()).item())))


def cospgd_of_normals(prediction: Tensor, truth: Tensor) -> float:
    p, t = (prediction / prediction.norm()).exp(), truth.exp()
    return (1 - math.cos(angle(prediction, truth))) * (p @ t / p.norm() / t.norm()).item()


OF_LABELS = {"masked_ce": masked_ce, "margin": margin, "js": js, "segpgd": segpgd, "cospgd": cospgd_of_labels}
NAIVE = {
    "segmentation": OF_LABELS,
    "classification": OF_LABELS,
    "depth": {"relative": relative, "log": log},
    "normals": {"angle": angle, "cospgd": cospgd_of_normals},
}
"""One pixel's loss by kind of task and by the loss's own name, from vectors (channels,) and labels or such vectors."""

CASES = [(kind, task) for kind in LOSSES for task in LOSSES.get(kind)]
every_loss = pytest.mark.parametrize(("kind", "task"), CASES)


@every_loss
def test_is_the_mean_of_a_naive_loop(kind: str, task: str) -> None:
    prediction, truth, invalid = sample(task)
    loss = LOSSES.get(kind)[task]
    naive, found = NAIVE[task][loss.__name__], loss(prediction, truth)
    for i in range(len(prediction)):
        places = [*product(*map(range, invalid.shape[2:]))]  # the one place of an image, or its pixels
        valid = [place for place in places if not invalid[(i, 0, *place)]]
        values = [naive(prediction[(i, slice(None), *p)], truth[(i, ..., *p)]) for p in valid]
        assert found[i].item() == pytest.approx(sum(values) / max(1, len(valid)), abs=1e-9)


@every_loss
def test_gradient_is_finite_and_zero_at_invalid_pixels(kind: str, task: str) -> None:
    prediction, truth, invalid = sample(task, dtype=torch.float32)
    prediction = torch.where(invalid, torch.nan, prediction).requires_grad_()
    loss = LOSSES.get(kind)[task](prediction, truth)
    (gradient,) = torch.autograd.grad(loss.sum(), prediction)
    assert loss.isfinite().all()
    assert gradient.isfinite().all()
    assert (gradient[invalid.expand_as(gradient)] == 0).all()
    assert (gradient != 0).any()


@every_loss
def test_is_zero_without_valid_pixels_and_the_samples_own(kind: str, task: str) -> None:
    prediction, truth, _ = sample(task)
    loss = LOSSES.get(kind)[task]
    truth[1] = NOTHING[task]
    found = loss(prediction, truth)
    assert found[1] == 0
    alone = torch.cat([loss(prediction[i : i + 1], truth[i : i + 1]) for i in range(4)])
    assert torch.equal(found, alone)


@every_loss
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e4])
def test_survives_extreme_predictions(kind: str, task: str, scale: float) -> None:
    prediction, truth, _ = sample(task, dtype=torch.float32)
    prediction = (scale * prediction).requires_grad_()
    loss = LOSSES.get(kind)[task](prediction, truth)
    (gradient,) = torch.autograd.grad(loss.sum(), prediction)
    assert loss.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize(("wrong", "factor", "same"), [(0.0, 1, segmentation.masked_ce), (0.5, 0.5, None)])
def test_segpgd_goes_from_the_right_pixels_to_half_the_cross_entropy(
    wrong: float, factor: float, same: Loss | None
) -> None:
    prediction, truth, _ = sample("segmentation")
    expected = factor * (same or task_of("segmentation").loss)(prediction, truth)
    torch.testing.assert_close(segmentation.segpgd(prediction, truth, wrong=wrong), expected)


def test_segpgd_is_linear_in_its_weight() -> None:
    prediction, truth, _ = sample("segmentation")
    first, middle, last = (segmentation.segpgd(prediction, truth, wrong=wrong) for wrong in (0.0, 0.25, 0.5))
    torch.testing.assert_close(middle, (first + last) / 2)


def test_the_weight_of_cospgd_has_no_gradient() -> None:
    prediction, truth, invalid = sample("segmentation")
    (found,) = torch.autograd.grad(segmentation.cospgd(prediction.requires_grad_(), truth).sum(), prediction)
    p = prediction.detach().softmax(dim=1)
    one_hot = nn.functional.one_hot(truth.masked_fill(invalid[:, 0], 0), 4).movedim(-1, 1)
    weight = nn.functional.cosine_similarity(p, one_hot.double(), dim=1).unsqueeze(1) * ~invalid
    torch.testing.assert_close(found, weight * (p - one_hot) / (~invalid).sum(dim=(1, 2, 3), keepdim=True))


def test_the_weight_of_cospgd_for_normals_has_no_gradient() -> None:
    prediction, truth, _ = sample("normals")
    prediction, truth = prediction[:1, :, :1, :1].requires_grad_(), truth[:1, :, :1, :1]
    losses = (normals.cospgd(prediction, truth), task_of("normals").loss(prediction, truth))
    found, plain = (torch.autograd.grad(loss.sum(), prediction)[0] for loss in losses)
    assert plain.abs().max() > 0.1
    torch.testing.assert_close(found, (losses[0] / losses[1]).detach() * plain)


def test_cospgd_knows_no_length_of_a_normal() -> None:
    prediction, truth, _ = sample("normals")
    torch.testing.assert_close(normals.cospgd(3 * prediction, truth), normals.cospgd(prediction, truth))


def test_masked_ce_leaves_wrong_pixels_alone() -> None:
    prediction, truth, invalid = sample("segmentation")
    prediction.requires_grad_()
    (gradient,) = torch.autograd.grad(segmentation.masked_ce(prediction, truth).sum(), prediction)
    right = (prediction.argmax(dim=1) == truth) & ~invalid[:, 0]
    assert right.any()
    assert torch.equal((gradient != 0).any(dim=1), right)


def test_masked_ce_is_zero_when_no_pixel_is_right() -> None:
    logits = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1).expand(1, 2, 3, 3)
    assert segmentation.masked_ce(logits, torch.zeros(1, 3, 3, dtype=torch.long)) == 0


def test_js_lies_between_zero_and_log_2() -> None:
    logits = torch.tensor([[200.0, 0.0], [-200.0, 0.0]]).view(2, 2, 1, 1)
    found = segmentation.js(logits, torch.zeros(2, 1, 1, dtype=torch.long))
    assert found.tolist() == pytest.approx([0, math.log(2)], abs=1e-6)


def test_log_has_no_gradient_below_the_floor() -> None:
    prediction = torch.tensor([-1.0, 0.0, 2.0]).view(1, 1, 1, 3).requires_grad_()
    (gradient,) = torch.autograd.grad(depth.log(prediction, torch.ones(1, 1, 1, 3)).sum(), prediction)
    torch.testing.assert_close(gradient.flatten(), torch.tensor([0, 0, 1 / 6]))


@pytest.mark.parametrize(("factor", "expected"), [(1.0, 0.0), (3.0, 0.0), (-1.0, math.pi), (0.0, math.pi / 2)])
def test_angle_where_acos_and_norms_have_no_gradient(factor: float, expected: float) -> None:
    _, truth, _ = sample("normals", dtype=torch.float32)
    prediction = (factor * truth).requires_grad_()
    loss = normals.angle(prediction, truth)
    (gradient,) = torch.autograd.grad(loss.sum(), prediction)
    torch.testing.assert_close(loss, torch.full((4,), expected), rtol=0, atol=1e-3)
    assert gradient.isfinite().all()
    assert gradient.abs().max() < 1


# Names.


@pytest.mark.parametrize("losses", ["train", *LOSSES])
@pytest.mark.parametrize("name", ["dgba-pgd", "total-apgd", "single:depth-fgsm"])
def test_attacks_on_other_losses_are_attacks(name: str, losses: str) -> None:
    attack, (model, batch) = load_attack(f"{name}@{losses}"), perception()
    assert_within_budget(attack, model, batch, linf)
    assert_leaves_model_untouched(attack, model, batch, linf)
    assert_batch_size_invariant(attack, model, batch, linf)


@pytest.mark.parametrize("losses", ["relative", "log"])
def test_the_attack_climbs_the_loss_it_names(losses: str) -> None:
    model, batch = perception()
    x = batch.x.clone().requires_grad_()
    loss = LOSSES.get(losses)["depth"](model(x)["depth"], batch.truth["depth"])
    (gradient,) = torch.autograd.grad(loss.sum(), x)
    expected = linf.project(batch.x, batch.x + linf.eps * gradient.sign())
    assert torch.equal(load_attack(f"single:depth-fgsm@{losses}")(model, batch, linf, Noise()), expected)
    assert not torch.equal(load_attack("single:depth-fgsm")(model, batch, linf, Noise()), expected)


def test_a_set_changes_its_own_task_only() -> None:
    model, batch = perception()
    plain, other = (load_attack(f"single:depth-pgd{at}")(model, batch, linf, Noise()) for at in ("", "@js"))
    assert torch.equal(plain, other)
    # curved_model has none of the tasks that the set names.
    made = [load_attack(f"total-pgd{at}")(curved_model(), middle_batch(), linf, Noise()) for at in ("", "@aligned")]
    assert torch.equal(*made)


def test_a_task_keeps_all_but_its_loss() -> None:
    prediction, truth, _ = sample("depth")
    task = task_of("depth")
    other = WithLoss(task, depth.relative)
    assert (other.kind, other.version, other.metrics) == ("depth", 1, task.metrics)
    assert (other.prediction_shape, other.truth_shape) == (task.prediction_shape, task.truth_shape)
    statistics = other.statistics(prediction, truth)
    assert torch.equal(statistics, task.statistics(prediction, truth))
    total = statistics.sum(dim=0).numpy()
    assert other.scores(total) == task.scores(total)
    assert torch.equal(other.loss(prediction, truth), depth.relative(prediction, truth))


@pytest.mark.parametrize("losses", LOSSES)
@pytest.mark.parametrize("name", ["dgba-pgd", "single:depth-vmi", "noise", "mtrbench.attacks.whole.noise:RandomNoise"])
def test_description_makes_the_attack_again(name: str, losses: str) -> None:
    full = f"{name}@{losses}"
    attack = load_attack(full)
    version, settings = describe(full, attack)
    assert attack == Ascending(load_attack(name), losses)
    assert load_attack(full, **settings) == attack
    assert settings_of(full) == settings_of(name) == tuple(settings)
    assert version == f"{Ascending.version}.{describe(name, load_attack(name))[0]}"


def test_settings_reach_the_attack_inside() -> None:
    attack = load_attack("dgba-pgd@aligned", steps=3, solver="closed-form")
    assert attack == Ascending(load_attack("dgba-pgd", steps=3, solver="closed-form"), "aligned")


def test_train_is_the_plain_attack() -> None:
    assert load_attack("dgba-pgd@train", steps=3) == load_attack("dgba-pgd", steps=3)
    assert describe("dgba-pgd@train", load_attack("dgba-pgd@train")) == describe("dgba-pgd", load_attack("dgba-pgd"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dgba-pgd@alined", "unknown losses 'alined'; did you mean aligned"),
        ("dgba-pgd@", "unknown losses ''; known: aligned"),
        ("dgba-pdg@aligned", "unknown attack 'dgba-pdg'; did you mean dgba-pgd"),
    ],
)
def test_bad_names(name: str, message: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(message)):
        load_attack(name)

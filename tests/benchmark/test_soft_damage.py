"""The soft damage of every task: what its metrics say, with a gradient."""

import pytest
import torch
from helpers.samples import every_task, sample, task_of

from mtrbench.benchmark.protocol.tasks.depth import Depth
from mtrbench.benchmark.protocol.tasks.normals import Normals
from mtrbench.benchmark.protocol.tasks.segmentation import Segmentation
from mtrbench.benchmark.protocol.tasks.soft import CleanValues, WithSoftDamage, soft_damage


def clean_of(task, prediction, truth):
    scores = task.scores(task.statistics(prediction, truth).sum(dim=0).numpy())
    return CleanValues(
        {name: float(value) for name, value in scores.items()}, float(task.loss(prediction, truth).mean())
    )


@every_task
class TestEveryTask:
    def test_offers_one(self, name):
        assert isinstance(task_of(name), WithSoftDamage)

    @pytest.mark.parametrize("seed", range(10))  # one alone may come to the same last bit by chance
    def test_a_sample_has_its_own_in_any_batch(self, name, seed):
        task = task_of(name)
        prediction, truth, _ = sample(name, size=5, seed=seed)
        clean = clean_of(task, prediction, truth)
        together = soft_damage(task, prediction, truth, clean)
        assert together.shape == (4,)
        alone = [soft_damage(task, prediction[i : i + 1], truth[i : i + 1], clean) for i in range(4)]
        assert torch.equal(together, torch.cat(alone))

    def test_what_has_no_truth_never_matters(self, name):
        task = task_of(name)
        prediction, truth, invalid = sample(name)
        clean = clean_of(task, prediction, truth)
        broken = torch.where(invalid, torch.nan, prediction).requires_grad_()
        found = soft_damage(task, broken, truth, clean)
        assert torch.equal(found, soft_damage(task, prediction, truth, clean))
        (gradient,) = torch.autograd.grad(found.sum(), broken)
        assert gradient.isfinite().all()
        assert (gradient.where(invalid.expand_as(gradient), 0) == 0).all()

    @pytest.mark.parametrize("kind", ["perfect", "zero", "far"])
    def test_the_gradient_is_finite_at_extremes(self, name, kind):
        task = task_of(name)
        prediction, truth, _ = sample(name)
        clean = clean_of(task, prediction, truth)
        if kind == "perfect":
            own = prediction if truth.shape != prediction.shape else truth.nan_to_num(posinf=1.0)
        else:
            own = torch.zeros_like(prediction) if kind == "zero" else 1e4 * prediction
        x = own.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(soft_damage(task, x, truth, clean).sum(), x)
        assert gradient.isfinite().all()

    def test_worse_predictions_have_more(self, name):
        task = task_of(name)
        prediction, truth, _ = sample(name)
        clean = clean_of(task, prediction, truth)
        x = prediction.clone().requires_grad_()
        before = soft_damage(task, x, truth, clean)
        (gradient,) = torch.autograd.grad(before.sum(), x)
        steps = prediction + 1e-3 * gradient.sign()
        assert (soft_damage(task, steps, truth, clean) >= before).all()
        assert soft_damage(task, steps, truth, clean).sum() > before.sum()


def test_an_error_counts_in_units_of_its_clean_value():
    truth = torch.full((1, 1, 2, 2), 2.0)
    clean = {"abs_err": 0.5, "rel_err": 0.25, "delta1": 1.0, "delta2": 1.0, "delta3": 1.0}
    # Twice the clean errors and, far beyond all steps of the deltas, three misses.
    found = Depth().soft_damage(truth * 100, truth, clean)
    assert found == pytest.approx((198 / 0.5 + 99 / 0.25 + 3) / 5)


def test_clear_answers_are_hits_and_misses():
    truth = torch.tensor([[[0, 1], [2, 255]]])
    logits = torch.full((1, 3, 2, 2), -50.0)
    logits[0, 0] = 50.0  # class 0 everywhere: one of three is right
    found = Segmentation(3).soft_damage(logits, truth, {"pixel_accuracy": 0.8, "miou": 0.1})
    assert found == pytest.approx(2 / 3 / 0.8)


def test_an_angle_is_itself_in_degrees():
    truth = torch.tensor([0.0, 0.0, 1.0]).view(1, 3, 1, 1)
    prediction = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1) * 7
    clean = {"angle_mean": 10.0, "angle_median": 5.0, "within_11.25": 1.0, "within_22.5": 1.0, "within_30": 0.5}
    assert Normals().soft_damage(prediction, truth, clean) == pytest.approx((9 + 18 + 1 + 1 + 2) / 5, rel=1e-5)


def test_a_task_without_one_is_judged_by_its_loss():
    class Plain:
        def loss(self, prediction, truth):
            return (prediction - truth).abs().mean(dim=1)

    prediction, truth = torch.tensor([[1.0, 3.0]]), torch.zeros(1, 2)
    assert soft_damage(Plain(), prediction, truth, CleanValues({}, 0.5)) == pytest.approx(4.0)

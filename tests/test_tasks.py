"""Losses, statistics and scores of every task: golden values, naive references, laws."""

import math
import statistics as pystatistics
from dataclasses import fields

import numpy as np
import pytest
import torch

from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.tasks import IGNORE, TASKS, Depth, Normals, Segmentation, make_task

SETTINGS = {"segmentation": {"classes": 4}}
every_task = pytest.mark.parametrize("name", TASKS)


def task_of(name):
    return make_task(name, **SETTINGS.get(name, {}))


def sample(name, batch=4, size=6, seed=0, dtype=torch.float64):
    """A random prediction and truth, about a third of the pixels invalid, all ways of being invalid among them."""
    g = torch.Generator().manual_seed(seed)
    prediction = torch.randn(batch, task_of(name).channels, size, size, generator=g, dtype=dtype)
    invalid = torch.rand(batch, 1, size, size, generator=g) < 0.3
    if name == "segmentation":
        truth = torch.randint(0, 4, (batch, size, size), generator=g)
        return prediction, truth.masked_fill(invalid[:, 0], IGNORE), invalid
    if name == "depth":
        truth = torch.rand(batch, 1, size, size, generator=g, dtype=dtype) * 9 + 0.5
        bad = torch.tensor([0.0, -1.0, torch.nan, torch.inf], dtype=dtype)
        choice = torch.randint(0, 4, invalid.shape, generator=g)
        return truth * (1 + 0.5 * prediction), torch.where(invalid, bad[choice], truth), invalid
    if name == "normals":
        truth = torch.nn.functional.normalize(torch.randn(batch, 3, size, size, generator=g, dtype=dtype), dim=1)
        return truth + 0.7 * prediction, torch.where(invalid, 0, truth), invalid
    truth = torch.rand(batch, 1, size, size, generator=g, dtype=dtype) * 2 - 1
    return prediction, truth.masked_fill(invalid, torch.nan), invalid


def score(task, prediction, truth):
    return task.scores(task.statistics(prediction, truth).sum(0).numpy())


# Golden values, worked out by hand.


def test_segmentation_by_hand():
    # Truth 0 0 1 1 2, predicted 0 1 1 0 0, one pixel ignored; class 3 is absent from the truth.
    # IoU_0 = 1 / (2 + 3 - 1) = 1/4, IoU_1 = 1 / (2 + 2 - 1) = 1/3, IoU_2 = 0 / (1 + 0 - 0) = 0.
    truth = torch.tensor([[[0, 0, 1], [1, 2, IGNORE]]])
    guess = torch.tensor([[[0, 1, 1], [0, 0, 2]]])
    logits = torch.nn.functional.one_hot(guess, 4).permute(0, 3, 1, 2).float()
    scores = score(Segmentation(4), logits, truth)
    assert scores["miou"] == pytest.approx((1 / 4 + 1 / 3 + 0) / 3)
    assert scores["pixel_accuracy"] == pytest.approx(2 / 5)
    # A right pixel costs log(e + 3) - 1, a wrong one log(e + 3).
    loss = Segmentation(4).loss(logits, truth)
    assert loss.item() == pytest.approx(math.log(math.e + 3) - 2 / 5)


def test_a_class_that_the_attack_destroys_counts_as_zero():
    # 8 pixels of class 0, 2 of class 1; everything is predicted as class 0: IoU 8/10 and 0/2, mean 0.4 and not 0.8.
    truth = torch.tensor([0] * 8 + [1] * 2).view(1, 2, 5)
    logits = torch.zeros(1, 13, 2, 5)
    logits[:, 0] = 1
    assert score(Segmentation(), logits, truth)["miou"] == pytest.approx(0.4)


def test_a_class_absent_from_the_whole_truth_is_left_out():
    # Class 1 is predicted once and never true: the mean is over class 0 alone, 3/4.
    truth = torch.zeros(1, 2, 2, dtype=torch.long)
    logits = torch.zeros(1, 13, 2, 2)
    logits[:, 0], logits[0, 1, 0, 0] = 1, 2
    assert score(Segmentation(), logits, truth)["miou"] == pytest.approx(3 / 4)


def test_depth_by_hand():
    # Errors 0, 0.5, 1, 5; relative 0, 0.25, 0.25, 1.25; ratios 1, 4/3, 1.25 (not below 1.25), 2.25.
    truth = torch.tensor([[[[2.0, 2.0, 4.0, 4.0, 0.0]]]])
    prediction = torch.tensor([[[[2.0, 1.5, 5.0, 9.0, 7.0]]]])
    scores = score(Depth(), prediction, truth)
    assert scores["abs_err"] == pytest.approx(6.5 / 4)
    assert scores["rel_err"] == pytest.approx(1.75 / 4)
    assert [scores[f"delta{k}"] for k in (1, 2, 3)] == [1 / 4, 3 / 4, 3 / 4]
    assert Depth().loss(prediction, truth).item() == pytest.approx(6.5 / 4)


@pytest.mark.parametrize("value", [0.0, -0.0, -1.0, -1e6])
def test_a_depth_that_is_not_positive_fails_every_delta(value):
    truth = torch.full((1, 1, 2, 2), 1.0)
    scores = score(Depth(), torch.full_like(truth, value), truth)
    assert [scores[f"delta{k}"] for k in (1, 2, 3)] == [0, 0, 0]
    assert scores["abs_err"] == 1 - value


def test_normals_by_hand():
    # Angles to (0, 1, 0): 0, 45, 90, 180 degrees, and 90 for the zero vector; the last truth is invalid.
    prediction = torch.tensor([[0, 3, 0], [1, 1, 0], [0, 0, 2], [0, -1, 0], [0, 0, 0], [1, 0, 0]]).T.view(1, 3, 1, 6)
    truth = torch.tensor([[0, 1, 0]] * 5 + [[0, 0, 0]]).T.view(1, 3, 1, 6)
    scores = score(Normals(), prediction.float(), truth.float())
    assert scores["angle_mean"] == pytest.approx((0 + 45 + 90 + 180 + 90) / 5)
    # Sorted 0 45 90 90 180: half of 5 is reached a 0.5 / 2 of the way through the bin [90, 90.5).
    assert scores["angle_median"] == pytest.approx(90 + 0.5 * 0.25)
    assert [scores[f"within_{limit}"] for limit in ("11.25", "22.5", "30")] == [1 / 5] * 3
    # Cosines 1, sqrt(1/2), 0, -1, 0.
    loss = Normals().loss(prediction.float(), truth.float())
    assert loss.item() == pytest.approx(1 - math.sqrt(0.5) / 5)


def test_a_normal_whose_channels_cancel_is_valid():
    vector = torch.tensor([1.0, -1.0, 0.0]).div(math.sqrt(2)).view(1, 3, 1, 1)
    assert Normals().statistics(vector, vector)[0, 0] == 1


def test_identical_and_opposite_normals_are_exact_in_float32():
    _, truth, _ = sample("normals", dtype=torch.float32)
    assert score(Normals(), 3 * truth, truth)["angle_mean"] < 1e-3
    assert score(Normals(), -truth, truth)["angle_mean"] > 180 - 1e-3


@pytest.mark.parametrize("name", ["keypoints2d", "edge_texture"])
def test_dense_regression_by_hand(name):
    truth = torch.tensor([[[[-1.0, 0.5, torch.nan]]]])
    prediction = torch.tensor([[[[0.0, 0.25, 9.0]]]])
    assert score(task_of(name), prediction, truth)["mae"] == (1 + 0.25) / 2
    assert task_of(name).loss(prediction, truth).item() == (1 + 0.25) / 2


# The same numbers from plain loops.


def naive_segmentation(prediction, truth):
    pairs = [
        (t, max(range(4), key=pixel.__getitem__))
        for image, labels in zip(prediction.permute(0, 2, 3, 1).tolist(), truth.tolist(), strict=True)
        for pixels, row in zip(image, labels, strict=True)
        for pixel, t in zip(pixels, row, strict=True)
        if t != IGNORE
    ]
    ious = []
    for c in {t for t, _ in pairs}:
        union = sum(c in pair for pair in pairs)
        ious.append(sum(pair == (c, c) for pair in pairs) / union)
    return {"miou": sum(ious) / len(ious), "pixel_accuracy": sum(t == p for t, p in pairs) / len(pairs)}


def vectors(values):
    return values.permute(0, 2, 3, 1).reshape(-1, values.shape[1]).tolist()


def naive_depth(prediction, truth):
    pairs = [(p, t) for (p,), (t,) in zip(vectors(prediction), vectors(truth), strict=True) if 0 < t < math.inf]
    n = len(pairs)
    scores = {"abs_err": sum(abs(p - t) for p, t in pairs) / n, "rel_err": sum(abs(p - t) / t for p, t in pairs) / n}
    for k in (1, 2, 3):
        scores[f"delta{k}"] = sum(p > 0 and p / t < 1.25**k and t / p < 1.25**k for p, t in pairs) / n
    return scores


def naive_angles(prediction, truth):
    angles = []
    for p, t in zip(vectors(prediction), vectors(truth), strict=True):
        if t != [0, 0, 0]:
            cosine = sum(a * b for a, b in zip(p, t, strict=True)) / math.hypot(*p) / math.hypot(*t)
            angles.append(math.degrees(math.acos(max(-1, min(1, cosine)))))
    return angles


def naive_normals(prediction, truth):
    angles = naive_angles(prediction, truth)
    within = {f"within_{limit}": sum(a < limit for a in angles) / len(angles) for limit in (11.25, 22.5, 30)}
    return {"angle_mean": pystatistics.fmean(angles)} | within


def naive_dense(prediction, truth):
    errors = [abs(p - t) for (p,), (t,) in zip(vectors(prediction), vectors(truth), strict=True) if t == t]
    return {"mae": pystatistics.fmean(errors)}


NAIVE = {
    "segmentation": naive_segmentation,
    "depth": naive_depth,
    "normals": naive_normals,
    "keypoints2d": naive_dense,
    "edge_texture": naive_dense,
}


@every_task
@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_plain_loops(name, seed):
    prediction, truth, _ = sample(name, seed=seed)
    scores = score(task_of(name), prediction, truth)
    for metric, expected in NAIVE[name](prediction, truth).items():
        assert scores[metric] == pytest.approx(expected), metric


def test_the_median_is_close_to_that_of_the_pixels():
    prediction, truth, _ = sample("normals", batch=8, size=32)
    true = pystatistics.median(naive_angles(prediction, truth))
    assert score(Normals(), prediction, truth)["angle_median"] == pytest.approx(true, abs=0.25)


@every_task
def test_the_loss_equals_plain_loops(name):
    prediction, truth, _ = sample(name)
    for i, loss in enumerate(task_of(name).loss(prediction, truth).tolist()):
        p, t = prediction[i : i + 1], truth[i : i + 1]
        if name == "segmentation":
            valid = [(v, c) for v, c in zip(vectors(p), t.flatten().tolist(), strict=True) if c != IGNORE]
            expected = pystatistics.fmean(math.log(sum(map(math.exp, v))) - v[c] for v, c in valid)
        elif name == "normals":
            expected = pystatistics.fmean(1 - math.cos(math.radians(a)) for a in naive_angles(p, t))
        else:
            expected = NAIVE[name](p, t)["abs_err" if name == "depth" else "mae"]
        assert loss == pytest.approx(expected)


# Laws.


@every_task
def test_scores_name_the_metrics_in_order(name):
    task = task_of(name)
    scores = score(task, *sample(name)[:2])
    assert list(scores) == [metric.name for metric in task.metrics]
    assert all(np.isfinite(value) for value in scores.values())


@pytest.fixture
def four_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@every_task
@pytest.mark.parametrize("size", [6, 256])  # in the larger, torch would split one sample's sum among threads
@pytest.mark.usefixtures("four_threads")
def test_samples_are_apart(name, size):
    task = task_of(name)
    prediction, truth, _ = sample(name, size=size, dtype=torch.float32)
    for method in (task.loss, task.statistics):
        alone = torch.cat([method(prediction[i : i + 1], truth[i : i + 1]) for i in range(4)])
        assert torch.equal(method(prediction, truth), alone)


@every_task
def test_statistics_add_up_to_those_of_one_large_image(name):
    task = task_of(name)
    prediction, truth, _ = sample(name)
    wide = [torch.cat(tuple(v), dim=-1).unsqueeze(0) for v in (prediction, truth)]
    statistics = task.statistics(prediction, truth)
    assert statistics.dtype == torch.float64
    torch.testing.assert_close(statistics.sum(0), task.statistics(*wide)[0])


@every_task
@pytest.mark.parametrize("value", [0.0, 1e6, torch.nan, torch.inf])
def test_invalid_pixels_never_matter(name, value):
    task = task_of(name)
    prediction, truth, invalid = sample(name)
    other = torch.where(invalid, value, prediction).requires_grad_()
    loss = task.loss(other, truth)
    assert torch.equal(loss, task.loss(prediction, truth))
    assert torch.equal(task.statistics(other, truth), task.statistics(prediction, truth))
    (gradient,) = torch.autograd.grad(loss.sum(), other)
    assert (gradient[invalid.expand_as(gradient)] == 0).all()
    assert gradient.isfinite().all()
    assert (gradient != 0).any()


@every_task
def test_the_gradient_of_the_loss_equals_finite_differences(name):
    task = task_of(name)
    prediction, truth, _ = sample(name, batch=2, size=3)
    assert torch.autograd.gradcheck(lambda p: task.loss(p, truth), prediction.requires_grad_())


@every_task
def test_zero_predictions_have_a_finite_gradient(name):
    prediction, truth, _ = sample(name, dtype=torch.float32)
    zero = torch.zeros_like(prediction, requires_grad=True)
    (gradient,) = torch.autograd.grad(task_of(name).loss(zero, truth).sum(), zero)
    assert gradient.isfinite().all()


@every_task
def test_scores_are_vectorised_over_leading_axes(name):
    task = task_of(name)
    prediction, truth, _ = sample(name)
    totals = task.statistics(prediction, truth).numpy().reshape(2, 2, -1)
    scores = task.scores(totals)
    for metric, values in scores.items():
        assert values.shape == (2, 2)
        for index in np.ndindex(2, 2):
            assert values[index] == task.scores(totals[index])[metric]


@every_task
def test_without_a_valid_pixel_the_loss_is_zero_and_scores_are_undefined(name):
    task = task_of(name)
    prediction, truth, _ = sample(name)
    nothing = {"segmentation": IGNORE, "depth": 0, "normals": 0}.get(name, torch.nan)
    prediction.requires_grad_()
    loss = task.loss(prediction, torch.full_like(truth, nothing))
    assert (loss == 0).all()
    assert (torch.autograd.grad(loss.sum(), prediction)[0] == 0).all()
    statistics = task.statistics(prediction, torch.full_like(truth, nothing)).detach()
    assert (statistics == 0).all()
    assert all(np.isnan(value) for value in task.scores(statistics[0].numpy()).values())
    # Among other samples, one without a valid pixel changes nothing.
    truth[0] = nothing
    rest = score(task, prediction.detach()[1:], truth[1:])
    assert score(task, prediction.detach(), truth) == rest


@every_task
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_broken_prediction_makes_every_score_undefined(name, value):
    task = task_of(name)
    prediction, truth, invalid = sample(name)
    row, column = (~invalid[1, 0]).nonzero()[0]
    prediction[1, 0, row, column] = value
    statistics = task.statistics(prediction, truth)
    assert statistics.isnan().all(dim=1).tolist() == [False, True, False, False]
    assert all(np.isnan(v) for v in task.scores(statistics.sum(0).numpy()).values())


@every_task
def test_a_perfect_prediction_has_the_best_scores(name):
    _, truth, _ = sample(name)
    perfect = torch.where(truth.isfinite(), truth, 0)
    if name == "segmentation":
        perfect = torch.nn.functional.one_hot(truth.clamp(max=3), 4).permute(0, 3, 1, 2).double()
    task = task_of(name)
    for metric in task.metrics:
        best = 1 if metric.higher_is_better else 0
        resolution = 0.5 if metric.name == "angle_median" else 1e-9
        assert score(task, perfect, truth)[metric.name] == pytest.approx(best, abs=resolution)


# Mistakes.


@every_task
def test_misshapen_truth_is_refused(name):
    task = task_of(name)
    prediction, truth, _ = sample(name)
    wrong = truth.unsqueeze(1) if name == "segmentation" else truth[:, 0]
    for method in (task.loss, task.statistics):
        with pytest.raises(BadInputError, match=f"{name} got"):
            method(prediction, wrong)
        with pytest.raises(BadInputError, match=f"{name} got"):
            method(prediction[:, :, 1:], truth)
        with pytest.raises(BadInputError, match=f"{name} got"):
            method(torch.cat([prediction, prediction], dim=1), truth)


@pytest.mark.parametrize("label", [-1, 4, 254])
def test_a_label_outside_the_classes_is_refused(label):
    prediction, truth, _ = sample("segmentation")
    truth[0, 0, 0] = label
    with pytest.raises(BadInputError, match="0 to 3"):
        Segmentation(4).statistics(prediction, truth)


@pytest.mark.parametrize("classes", [0, 1, 256, -3, 2.5, "13"])
def test_a_bad_number_of_classes_is_refused(classes):
    with pytest.raises(BadInputError, match="classes"):
        Segmentation(classes)


def test_tasks_are_made_by_name():
    assert make_task("segmentation", classes=40) == Segmentation(40)
    assert make_task("depth") == Depth()
    assert {name: make_task(name).name for name in TASKS} == {name: name for name in TASKS}
    with pytest.raises(BadInputError, match="did you mean depth"):
        make_task("dpeth")
    with pytest.raises(BadInputError, match="did you mean classes"):
        make_task("segmentation", clases=3)
    with pytest.raises(BadInputError, match="unknown setting"):
        make_task("depth", classes=3)


@every_task
def test_settings_are_the_fields_alone(name):
    assert [field.name for field in fields(TASKS[name])] == (["classes"] if name == "segmentation" else [])

"""Metrics by hand, and against plain loops over pixels."""

import math
import statistics as pystatistics

import pytest
import torch
from helpers.samples import NOTHING, sample, score, task_of
from sklearn import metrics

from mtrbench.benchmark.protocol.tasks.classification import UNKNOWN, Classification
from mtrbench.benchmark.protocol.tasks.depth import Depth
from mtrbench.benchmark.protocol.tasks.normals import Normals
from mtrbench.benchmark.protocol.tasks.regression import Regression
from mtrbench.benchmark.protocol.tasks.segmentation import IGNORE, Segmentation


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


def test_classification_by_hand():
    # Truth 0 0 0 1 1 2, taken for 0 0 1 1 3 0; one image without truth. Class 3 is never true and no term of F1.
    # F1_0 = 2 * 2 / (3 + 3), F1_1 = 2 * 1 / (2 + 2), F1_2 = 0.
    truth = torch.tensor([0, 0, 0, 1, 1, 2, UNKNOWN])
    logits = torch.nn.functional.one_hot(torch.tensor([0, 0, 1, 1, 3, 0, 2]), 4).float()
    scores = score(Classification(4), logits, truth)
    assert scores["accuracy"] == 3 / 6
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)


def test_regression_by_hand():
    truth, prediction = torch.tensor([[1.0, 2.0], [torch.nan, 4.0]]), torch.tensor([[1.0, 5.0], [9.0, 0.0]])
    scores = score(Regression(2), prediction, truth)
    assert (scores["mae"], scores["rmse"]) == ((0 + 3 + 4) / 3, pytest.approx(math.sqrt((0 + 9 + 16) / 3)))
    assert [metric.unit for metric in Regression(2, "m").metrics] == ["m", "m"]


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


def naive_inverse_depth(prediction, truth):
    depth = naive_depth(prediction, truth)
    return {name: depth[name] for name in ("abs_err", "rel_err")}


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


def known_labels(prediction, truth):
    """Truths and guesses, as scikit-learn wants them."""
    pairs = [(t, p) for t, p in zip(truth.tolist(), prediction.argmax(dim=1).tolist(), strict=True) if t != UNKNOWN]
    return [*zip(*pairs, strict=True)]


def by_scikit_learn_of_labels(prediction, truth):
    truths, guesses = known_labels(prediction, truth)
    f1 = metrics.f1_score(truths, guesses, labels=sorted({*truths}), average="macro", zero_division=0)
    return {"accuracy": metrics.accuracy_score(truths, guesses), "macro_f1": f1}


def by_scikit_learn_of_numbers(prediction, truth):
    known = ~truth.isnan()
    pair = truth[known].tolist(), prediction[known].tolist()
    return {"mae": metrics.mean_absolute_error(*pair), "rmse": metrics.root_mean_squared_error(*pair)}


NAIVE = {
    "classification": by_scikit_learn_of_labels,
    "regression": by_scikit_learn_of_numbers,
    "segmentation": naive_segmentation,
    "depth": naive_depth,
    "inverse_depth": naive_inverse_depth,
    "normals": naive_normals,
    "keypoints2d": naive_dense,
    "edge_texture": naive_dense,
}


every_known_task = pytest.mark.parametrize("name", NAIVE)


@every_known_task
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


@every_known_task
def test_the_loss_equals_plain_loops(name):
    prediction, truth, _ = sample(name)
    for i, loss in enumerate(task_of(name).loss(prediction, truth).tolist()):
        p, t = prediction[i : i + 1], truth[i : i + 1]
        if name in ("segmentation", "classification"):
            logits = vectors(p) if name == "segmentation" else p.tolist()
            valid = [(v, c) for v, c in zip(logits, t.flatten().tolist(), strict=True) if c != NOTHING[name]]
            terms = [math.log(sum(map(math.exp, v))) - v[c] for v, c in valid]
            expected = pystatistics.fmean(terms) if terms else 0.0
        elif name == "normals":
            expected = pystatistics.fmean(1 - math.cos(math.radians(a)) for a in naive_angles(p, t))
        else:
            expected = NAIVE[name](p, t)["abs_err" if name.endswith("depth") else "mae"]
        assert loss == pytest.approx(expected)

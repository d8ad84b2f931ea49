"""Losses, statistics and scores of every task: golden values, naive references, laws."""

import math

import numpy as np
import pytest
import torch
from helpers.samples import LIKE, NOTHING, every_map, every_task, sample, score, task_of

from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.tasks.depth import Depth
from mtrbench.benchmark.protocol.tasks.registry import TASKS, make_task, settings_of
from mtrbench.benchmark.protocol.tasks.segmentation import Segmentation


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


@every_map
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
            np.testing.assert_array_equal(values[index], task.scores(totals[index])[metric])


@every_task
def test_without_a_valid_pixel_the_loss_is_zero_and_scores_are_undefined(name):
    task = task_of(name)
    prediction, truth, _ = sample(name)
    nothing = NOTHING.get(name, torch.nan)
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
    prediction[(1, *(~invalid[1]).expand_as(prediction[1]).nonzero()[0])] = value
    statistics = task.statistics(prediction, truth)
    assert statistics.isnan().all(dim=1).tolist() == [False, True, False, False]
    assert all(np.isnan(v) for v in task.scores(statistics.sum(0).numpy()).values())


@every_task
def test_a_perfect_prediction_has_the_best_scores(name):
    _, truth, _ = sample(name)
    perfect = torch.where(truth.isfinite(), truth, 0)
    if LIKE.get(name, name) in ("segmentation", "classification"):
        perfect = 100 * torch.nn.functional.one_hot(truth.clamp(min=0, max=3), 4).movedim(-1, 1).double()
    if name == "dgba2023_log_depth":
        perfect = torch.log1p(512 * perfect.clamp(min=0)) / math.log(65536)
    task = task_of(name)
    for metric in task.metrics:
        best = 1 if metric.higher_is_better else 0
        resolution = 0.5 if metric.name == "angle_median" else 1e-9
        assert score(task, perfect, truth)[metric.name] == pytest.approx(best, abs=resolution)


@every_task
def test_misshapen_truth_is_refused(name):
    task = task_of(name)
    prediction, truth, _ = sample(name)
    wrong = truth.unsqueeze(1) if task.prediction_shape != task.truth_shape else truth[:, 0]
    for method in (task.loss, task.statistics):
        for pair in ((prediction, wrong), (prediction[..., 1:], truth), (prediction[1:], truth)):
            with pytest.raises(BadInputError, match=f"{name} got"):
                method(*pair)
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
    assert {name: task_of(name).kind for name in TASKS} == {name: name for name in TASKS}
    with pytest.raises(BadInputError, match="did you mean depth"):
        make_task("dpeth")
    with pytest.raises(BadInputError, match="did you mean classes"):
        make_task("segmentation", clases=3)
    with pytest.raises(BadInputError, match="unknown setting"):
        make_task("depth", classes=3)
    with pytest.raises(BadInputError, match="task classification lacks its setting classes"):
        make_task("classification")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("segmentation", ["classes"]), ("classification", ["classes"]), ("regression", ["values", "unit"]), ("depth", [])],
)
def test_settings_are_the_fields_alone(name, expected):
    assert [*settings_of(TASKS.get(name))] == expected

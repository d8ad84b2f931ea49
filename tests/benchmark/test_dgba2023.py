"""The metric set dgba-2023: what the study's public code would say, by hand, and where ours says otherwise."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from helpers.samples import sample, score

from mtrbench import make_task


def test_a_class_without_a_hit_leaves_the_mean_iou():
    truth = torch.tensor([[[0, 0, 1, 1, 2, 255]]])
    guesses = torch.tensor([[[0, 0, 1, 0, 0, 0]]])
    logits = torch.nn.functional.one_hot(guesses, 4).movedim(-1, 1).double()
    theirs, ours = (
        score(make_task(name, classes=4), logits, truth) for name in ("dgba2023_segmentation", "segmentation")
    )
    assert theirs["miou"] == pytest.approx((2 / 4 + 1 / 2) / 2)  # class 2 is destroyed, and gone
    assert ours["miou"] == pytest.approx((2 / 4 + 1 / 2 + 0) / 3)
    assert theirs["pixel_accuracy"] == ours["pixel_accuracy"] == 3 / 5
    nothing = torch.nn.functional.one_hot(torch.full_like(guesses, 3), 4).movedim(-1, 1).double()
    assert math.isnan(score(make_task("dgba2023_segmentation", classes=4), nothing, truth)["miou"])


@pytest.mark.parametrize(("value", "kept"), [(-5.0, 1), (0.0, 0), (1.25, 1), (1.2500001, 0), (0.8, 1), (100.0, 0)])
def test_a_negative_depth_keeps_every_delta(value, kept):
    truth = torch.ones(1, 1, 2, 2, dtype=torch.float64)
    theirs = score(make_task("dgba2023_depth"), torch.full_like(truth, value), truth)
    assert theirs["delta1"] == kept
    ours = score(make_task("depth"), torch.full_like(truth, value), truth)
    assert ours["abs_err"] == theirs["abs_err"]
    assert ours["delta1"] <= theirs["delta1"]


def test_cross_entropy_and_cosine_are_those_of_all_valid_pixels():
    prediction, truth, _ = sample("segmentation")
    known = truth != 255
    chosen = prediction.permute(0, 2, 3, 1)[known].log_softmax(dim=-1).gather(-1, truth[known][:, None])
    found = score(make_task("dgba2023_cross_entropy", classes=4), prediction, truth)
    assert found["cross_entropy"] == pytest.approx(-chosen.mean().item())
    prediction, truth, invalid = sample("normals")
    cosines = torch.cosine_similarity(prediction, truth, dim=1)[~invalid[:, 0]]
    assert score(make_task("dgba2023_cosine"), prediction, truth)["cosine_similarity"] == pytest.approx(
        cosines.mean().item()
    )


def test_depth_on_the_studys_scale():
    steps = np.array([[1, 512, 4131, 0]])
    truth = torch.from_numpy(steps / 512).view(1, 1, 1, 4)
    target = np.log(1 + steps) / np.log(2**16)
    prediction = torch.from_numpy(target + np.array([[0.1, -0.2, 0.3, 9]])).view(1, 1, 1, 4)
    found = score(make_task("dgba2023_log_depth"), prediction, truth)
    assert found["mae"] == pytest.approx((0.1 + 0.2 + 0.3) / 3)
    assert make_task("dgba2023_log_depth").loss(prediction, truth).item() == pytest.approx(0.2)

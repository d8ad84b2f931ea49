"""What commands say of a model's card, and what a card must say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.commands import assert_refused, mtrbench
from helpers.layouts import layouts
from helpers.planted_cards import IMAGES, results
from helpers.planted_models import (
    Sound,
)

from mtrbench import load_dataset
from mtrbench.api.model_checks import ALL
from mtrbench.benchmark.harness import in_batches, measure
from mtrbench.benchmark.stats import bootstrap_scores, resampling_weights
from mtrbench.cli.card_text import drawn
from mtrbench.models.card import read_card
from mtrbench.models.nets.layout import Layout
from mtrbench.models.registry import load_model


@pytest.mark.usefixtures("_weak_attacks")
def test_command_prints_a_table_and_exits_with_0(card_of: Callable[..., Path]) -> None:
    outcome = mtrbench("validate", "model", card_of(Sound))
    assert outcome.code == 0, outcome.err
    assert [line.split()[0] for line in outcome.out.splitlines()[2:]] == [*ALL]


def test_command_exits_with_1_on_changed_weights(card_of: Callable[..., Path]) -> None:
    path = card_of(Sound)
    weights = path.parent / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    outcome = mtrbench("validate", "model", path, "--json")
    assert outcome.code == 1
    (row,) = json.loads(outcome.out)
    assert (row["property"], row["result"]) == ("card", "fail")
    assert "have sha256" in row["found"]


def test_command_exits_with_1_on_a_card_with_an_unknown_field(card_of: Callable[..., Path]) -> None:
    outcome = mtrbench("validate", "model", card_of(Sound, colour="red"))
    assert outcome.code == 1
    assert "'colour': Extra inputs are not permitted" in outcome.out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rooms3-shard.clean", ("unknown model", "did you mean rooms3-shared.clean")),
        ("none.toml", ("card none.toml cannot be read",)),
        (".", ("is a file or folder, but no card",)),
    ],
)
def test_command_refuses_what_is_no_card(name: str, words: tuple[str, ...]) -> None:
    assert_refused(mtrbench("validate", "model", name), *words)


def test_command_refuses_a_model_for_a_model() -> None:
    run = ("validate", "model", "rooms3-shared.clean", "--model", "rooms3-shared.clean")
    assert_refused(mtrbench(*run), "leave it out for a model")


def test_intervals_are_the_bootstraps_of_the_evaluation_split(tiny: Path) -> None:
    card, model = read_card(tiny), load_model(str(tiny))
    count = card.clean.images
    data = load_dataset(card.dataset, model.tasks, size=card.size, images=count)
    clean = measure(model, in_batches(data, range(count), 32))
    assert card.clean.intervals is not None
    for name, task in model.tasks.items():
        for metric, score in bootstrap_scores(task, clean.statistics[name], resampling_weights(count)).items():
            estimate = score.estimate()
            assert card.clean.intervals[name][metric] == pytest.approx((estimate.low, estimate.high), abs=1e-4)


@pytest.mark.parametrize("intervals", [{"depth": {"abs_err": [0.2, 0.1]}}, {"depth": {"abs_er": [0.1, 0.2]}}])
def test_interval_of_no_score_or_upside_down_is_refused(
    intervals: dict[str, Any], card_of: Callable[..., Path]
) -> None:
    clean = {"images": 1, "tolerance": 0.05, "scores": {"depth": {"abs_err": 0.1}}, "intervals": intervals}
    found = results(card_of(Sound, clean=clean), "fail")
    assert "must be [low, high] of one of the scores" in found["card"]


def test_card_tells_all_settings_of_the_inner_attack(tiny: Path, tiny_adversarial: Path) -> None:
    assert read_card(tiny).training.settings is None
    settings = {"steps": 1, "reach": 1.0, "random_start": False, "restarts": 1}
    assert read_card(tiny_adversarial).training.settings == settings
    shown = mtrbench("show", "model", tiny_adversarial).out
    assert "against total-pgd, eps 4/255 (steps 1, reach 1.0, random_start False, restarts 1)" in shown


def test_show_says_what_the_card_does(card_of: Callable[..., Path]) -> None:
    path = card_of(Sound, twin="other")
    clean = read_card(path).clean
    error = clean.scores["depth"]["abs_err"]
    intervals = {"depth": {"abs_err": [error - 0.5, error + 0.5]}}
    path = card_of(Sound, clean={**clean.model_dump(mode="json", exclude_none=True), "intervals": intervals})
    lines = mtrbench("show", "model", path).out.splitlines()
    assert lines[0] == "name: planted"
    assert "licence: MIT" in lines
    assert "  block 1  [segmentation  depth  normals]" in lines
    assert "  block 5  [segmentation  depth][normals]" in lines
    assert f"clean scores on {IMAGES} images, with 95 % intervals:" in lines
    (row,) = (line.split() for line in lines if "abs_err" in line)
    assert row == ["depth", "abs_err", "↓", f"{error:.3f}", f"[{error - 0.5:.3f},", f"{error + 0.5:.3f}]", "m"]


def test_drawing_has_a_bracket_per_group_and_the_tasks_in_columns() -> None:
    for layout in layouts(("a", "b", "c", "d"), 2):
        lines = drawn(layout)
        for line, partition in zip(lines, layout.blocks, strict=True):
            groups = line.partition("[")[2].removesuffix("]").split("][")
            assert {frozenset(group.split()) for group in groups} == {frozenset(group) for group in partition}
        assert len({tuple(line.index(task, 9) for task in "abcd") for line in lines}) == 1
    assert drawn(Layout.parse(["a c b", "a b | c"])) == ["block 1  [a  b  c]", "block 2  [a  b][c]"]

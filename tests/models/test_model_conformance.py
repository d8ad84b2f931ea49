"""A sound model has every property, and a faulty one is told by the property that it lacks alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch
from helpers.commands import assert_refused, mtrbench
from helpers.layouts import layouts
from helpers.planted_models import (
    SIZE,
    Apart,
    Backwards,
    BackwardsOffTheGrid,
    BlindInTheDark,
    BrokenGradient,
    Constant,
    Counts,
    Detached,
    Draws,
    MixesTheBatch,
    MultiplesOfFour,
    NeverInEvalMode,
    RefusesLoneImages,
    Sound,
    TwoChannels,
)
from torch import Tensor, nn

from mtrbench import Batch, load_dataset, wrap
from mtrbench.api import masking, model_checks
from mtrbench.api.masking import SIGNS, not_beaten_by
from mtrbench.api.model_checks import ALL, examine_model, twin
from mtrbench.api.model_claims import trained_against
from mtrbench.benchmark.harness import in_batches, measure
from mtrbench.benchmark.protocol.findings import Finding
from mtrbench.benchmark.protocol.tasks.registry import make_task
from mtrbench.benchmark.protocol.tasks.regression import Regression
from mtrbench.benchmark.stats import bootstrap_scores, resampling_weights
from mtrbench.cli.card_text import drawn
from mtrbench.leaderboards.analysis.flags import BLACK_BOX_BEATS
from mtrbench.models.building import build
from mtrbench.models.card import Architecture, read_card
from mtrbench.models.conformance import PROPERTIES, examined
from mtrbench.models.fingerprint import fingerprint
from mtrbench.models.nets.layout import Layout
from mtrbench.models.packing import packed, unpack
from mtrbench.models.registry import find_card, load_model

IMAGES = 6
LAYOUT = ["segmentation depth normals"] * 4 + ["segmentation depth | normals"]
TASKS: dict[str, dict[str, int | float | str]] = {"segmentation": {"classes": 13}, "depth": {}, "normals": {}}


@pytest.fixture
def card_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes the card of an untrained model of `planted_models`, with the scores of `Sound` on a few images."""
    monkeypatch.setattr(model_checks, "load_dataset", partial(load_dataset, images=IMAGES))

    def write(entry: type[Sound], **changes: Any) -> Path:
        tasks = {name: make_task(name, **settings) for name, settings in TASKS.items()}
        data = load_dataset("rooms3", tasks, size=SIZE, images=IMAGES)
        models = {}
        for kind in (Sound, entry):
            models[kind] = build(Architecture(entry=f"{kind.__module__}:{kind.__name__}", layout=LAYOUT), tasks)
            content = packed(models[kind])
            unpack(models[kind], content)
            models[kind].eval()
        clean = measure(models[Sound], [data.batch(range(IMAGES))])
        scores = {
            name: {metric: float(value) for metric, value in task.scores(clean.statistics[name].sum(axis=0)).items()}
            for name, task in tasks.items()
        }
        card = {
            "name": "planted",
            "dataset": "rooms3",
            "size": SIZE,
            "licence": "MIT",
            "tasks": TASKS,
            "architecture": {"entry": f"{entry.__module__}:{entry.__name__}", "layout": LAYOUT},
            "weights": {"file": "weights.safetensors", "sha256": hashlib.sha256(content).hexdigest()},
            "training": {
                "recipe": "none.toml",
                "recipe_sha256": "0" * 64,
                "steps": 0,
                "seed": 0,
                "scenes": 0,
                "seconds": 0.0,
                "hardware": "none",
                "versions": {},
            },
            "clean": {"images": IMAGES, "tolerance": 0.05, "scores": scores},
            "fingerprint": fingerprint(models[Sound if entry is TwoChannels else entry], SIZE),
            **changes,
        }
        (tmp_path / "planted").mkdir(exist_ok=True)
        (tmp_path / "planted" / "weights.safetensors").write_bytes(content)
        path = tmp_path / "planted" / "card.toml"
        path.write_text(tomli_w.dumps(card))
        return path

    return write


@pytest.fixture
def _weak_attacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attacks take most of the time that an examination takes, and can flag, and not fail."""
    for steps in ("STEPS", "MANY_STEPS"):
        monkeypatch.setattr(masking, steps, 2)
    cheap = {"white-box-beats-black": not_beaten_by("square", BLACK_BOX_BEATS, queries=5)}
    monkeypatch.setattr(model_checks, "SIGNS", {**SIGNS, **cheap})


@pytest.fixture
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies of the process take most of the rest; that there are such is what test_planted_models.py is about."""
    monkeypatch.setattr(model_checks, "forks", lambda device: False)


def results(path: Path, result: str) -> dict[str, str]:
    """What was found of the properties with a result."""
    found = examine_model(str(path), None)
    assert [*found] == [*ALL][: len(found)]
    assert not any("\n" in finding.found for finding in found.values())
    return {title: finding.found for title, finding in found.items() if finding.result == result}


def test_trained_model_has_every_property(tiny: Path) -> None:
    found = examine_model(str(tiny), None)
    assert tuple(found) == ALL
    assert not [title for title, finding in found.items() if finding.result == "fail"]
    assert found["attack-beats-noise"].result == "pass"


@pytest.mark.usefixtures("_weak_attacks")
def test_sound_model_has_every_property(card_of: Callable[..., Path]) -> None:
    assert results(card_of(Sound), "fail") == {}


FAULTS = {
    TwoChannels: ("card", "the network's prediction for task depth is (2, 2, 32, 32), not (2, 1, 32, 32)"),
    RefusesLoneImages: ("shapes", "ValueError: three images at least"),
    MultiplesOfFour: ("any-size", "prediction for task segmentation is (2, 13, 12, 12), not (2, 13, 15, 13)"),
    BlindInTheDark: ("finite", "is not finite at"),
    NeverInEvalMode: ("eval-mode", "1 in training mode, the first is net.spare"),
    Draws: ("deterministic", "segmentation differs in a second pass by up to"),
    Counts: ("keeps-state", "a forward pass changes net.seen"),
    MixesTheBatch: ("batch-size-invariant", "segmentation differs alone from the whole batch by up to"),
    Detached: ("gradient-flows", "segmentation 0%, depth 100%, normals 0%"),
    Constant: ("gradient-flows", "segmentation 0%, depth 100%, normals 0%"),
    Apart: ("sharing", "depth and normals and segmentation share a block in the layout, and no parameter"),
    BrokenGradient: ("gradient-flows", "segmentation 0%, depth 100%, normals 0%"),
}


@pytest.mark.usefixtures("_weak_attacks", "_here")
@pytest.mark.parametrize("faulty", FAULTS, ids=lambda faulty: faulty.__name__)
def test_faulty_model_lacks_one_property_alone(faulty: type[Sound], card_of: Callable[..., Path]) -> None:
    name, message = FAULTS[faulty]
    failed = results(card_of(faulty), "fail")
    assert list(failed) == [name]
    assert message in failed[name]


def test_every_property_has_a_faulty_model() -> None:
    assert {name for name, _ in FAULTS.values()} == {"card", "sharing", *PROPERTIES}


class Classifier(nn.Module):
    """Two tasks that are no maps, of images of one size."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.linear = nn.Linear(3 * SIZE[0] * SIZE[1], 7)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        values = self.linear(x.flatten(1))
        return {"left": values[:, :5], "size": values[:, 5:]}


def test_a_model_without_maps_has_every_property_but_the_one_about_sizes() -> None:
    model = wrap(Classifier(), {"left": {"task": "classification", "classes": 5}, "size": Regression(2)})
    x = torch.rand(6, 3, *SIZE, generator=torch.Generator().manual_seed(0))
    batch = Batch(x, {"left": torch.arange(6) % 5, "size": torch.ones(6, 2)}, tuple("abcdef"))
    found = {name: examined(check, model, batch) for name, check in PROPERTIES.items()}
    assert {name for name, finding in found.items() if finding.result != "pass"} == {"any-size"}
    assert found["any-size"].result == "does not apply"
    assert found["shapes"].found == "on images of 16 x 16: left (B, 5), size (B, 2)"
    assert {task: len(values) for task, values in fingerprint(model, SIZE).items()} == {"left": 4, "size": 4}


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda clean: clean["scores"]["depth"].update(abs_err=99.0), "the card says 99"),
        (lambda clean: clean.update(images=7), "of 7 images, the data set has 6"),
        (lambda clean: clean["scores"].update(depth={}), "the card states nothing of depth"),
    ],
)
def test_other_clean_scores_than_the_cards_fail(
    change: Any, message: str, card_of: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_checks, "SIGNS", {})  # what attacks say takes long, and has no scores of the card
    path = card_of(Sound)
    clean = read_card(path).clean.model_dump(mode="json", exclude_none=True)
    change(clean)
    failed = results(card_of(Sound, clean=clean), "fail")
    assert list(failed) == ["clean-scores"]
    assert message in failed["clean-scores"]


@pytest.mark.parametrize(
    ("name", "result", "message"),
    [
        ("rooms3-nobody.clean", "flag", "rooms3-nobody.clean is not registered"),
        ("rooms3-shared.clean", "fail", "shares blocks between tasks"),
        ("rooms3-independent.at-total", "fail", "has another data set, network, inner attack, number of steps"),
    ],
)
def test_a_twin_is_independent_and_trained_alike(
    name: str, result: str, message: str, card_of: Callable[..., Path]
) -> None:
    found = twin(read_card(card_of(Sound, twin=name)))
    assert found.result == result
    assert message in found.found


def test_a_twin_starts_from_the_same_weights() -> None:
    card, _ = find_card("rooms3-shared.at-total")
    assert twin(card) == Finding("pass", "rooms3-independent.at-total, independent and trained alike")
    training = card.training.model_copy(update={"backbone_sha256": "0" * 64})
    other = card.model_copy(update={"training": training})
    assert twin(other) == Finding("fail", "rooms3-independent.at-total has another start")


@pytest.mark.parametrize(
    ("masked", "raised"),
    [
        (Backwards, {"attack-beats-noise", "white-box-beats-black", "falls-without-budget"}),
        (BackwardsOffTheGrid, {"attack-beats-noise", "many-steps-beat-one", "white-box-beats-black"}),
    ],
)
def test_masked_gradients_raise_flags_and_are_no_gradients_of_the_losses(
    masked: type[Sound], raised: set[str], card_of: Callable[..., Path]
) -> None:
    found = {title: finding.result for title, finding in examine_model(str(card_of(masked)), None).items()}
    assert [title for title, result in found.items() if result == "fail"] == ["true-gradient"]
    assert raised <= {title for title, result in found.items() if result == "flag"} <= set(SIGNS)


@pytest.mark.parametrize(
    ("name", "attack", "result"),
    [
        ("rooms3-shared.clean", None, "does not apply"),
        ("rooms3-shared.clean", "total-pgd", "fail"),
        ("rooms3-shared.at-total", "total-pgd", "pass"),
    ],
)
def test_what_is_said_to_be_trained_adversarially_is_robust(name: str, attack: str | None, result: str) -> None:
    card, _ = find_card(name)
    claim = card.training.model_copy(update={"attack": attack, "eps": attack and 4.0})
    model = load_model(name)
    few = load_dataset(card.dataset, model.tasks, images=4).batch(range(4))
    found = trained_against(card.model_copy(update={"training": claim}), model, few)
    assert found.result == result
    assert ("ARLC under total-pgd of that size is" in found.found) == (attack is not None)


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

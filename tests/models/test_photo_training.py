"""Training on a data set of files: its train split, random views, a model to start from."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from helpers.commands import Outcome, assert_refused, mtrbench
from helpers.nyuv2_files import H, W, write_sample
from helpers.public_backbones import public_weights, saved
from helpers.trainings import ADVERSARY, recipe, train

from mtrbench import load_model
from mtrbench.benchmark.protocol.tasks.registry import make_task
from mtrbench.models.building import build
from mtrbench.models.card import read_card
from mtrbench.models.nets.tree import TreeNet
from mtrbench.models.training import loop
from mtrbench.models.training.log import Log
from mtrbench.models.training.recipe import Recipe, read_recipe
from mtrbench.models.training.trainer import Trainer

TEXT = (
    recipe("six", steps=6)
    .replace('"rooms3"', '"nyuv2"')
    .replace("[16, 16]", f"[{H}, {W}]")
    .replace("scenes = 32\n", "")
    .replace("steps = 6\n", "epochs = 3\nvalidation = 2\nvalidate_every = 2\nbackbone_rate = 0.5\n")
    .replace("batch = 8", "batch = 5")
    .replace("classes = 13", "classes = 40")
    .replace("compact:compact", "mobilenetv2:mobilenetv2_pyramid")
    .replace("width = 4", "width_multiplier = 0.25, head_width = 8")
    .replace("[tasks]", "[augmentation]\nflip = true\nzoom = [0.8, 1.5]\ncolour = 0.2\n\n[tasks]")
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve samples to train on and two to test on, each with its block elsewhere."""
    folder = tmp_path_factory.mktemp("nyuv2")
    stems = [f"{number:04d}" for number in range(14)]
    for number, stem in enumerate(stems):
        write_sample(folder, stem, (slice(number % 4, number % 4 + 6), slice(number, number + 3)))
    splits = {
        "train": [[f"img/{stem}.png"] for stem in stems[:12]],
        "test": [[f"img/{stem}.png"] for stem in stems[12:]],
    }
    (folder / "nyu_v2_3task.json").write_text(json.dumps(splits))
    return folder


def train_on(root: Path, folder: Path, text: str = TEXT, *more: object) -> Outcome:
    return train(folder, text, "--data-root", root, *more)


def weights(folder: Path, name: str = "six") -> bytes:
    return (folder / name / "weights.safetensors").read_bytes()


def stopping(at: int) -> Callable[[Log, Mapping[str, int | float]], None]:
    write = Log.write

    def write_and_stop(self: Log, values: Mapping[str, int | float]) -> None:
        write(self, values)
        if values["step"] == at:
            os.kill(os.getpid(), signal.SIGTERM)

    return write_and_stop


@pytest.mark.parametrize("adversary", ["", ADVERSARY], ids=["clean", "adversarial"])
def test_interrupted_and_resumed_gives_the_same_bytes(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, adversary: str
) -> None:
    text = TEXT + adversary
    for at in (3, 5):
        with monkeypatch.context() as patch:
            patch.setattr(Log, "write", stopping(at))
            assert train_on(root, tmp_path / "stopped", text).code == 128 + signal.SIGTERM
    for folder in (tmp_path / "stopped", tmp_path / "whole"):
        outcome = train_on(root, folder, text)
        assert outcome.code == 0, outcome.err
    assert weights(tmp_path / "stopped") == weights(tmp_path / "whole")
    with (tmp_path / "stopped" / "logs" / "six.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2", "3", "4", "5", "6"]


def test_card_says_what_was_trained_on_and_from(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, ...]] = []
    step = loop.augmented
    monkeypatch.setattr(loop, "augmented", lambda batch, *rest: (seen.append(batch.ids), step(batch, *rest))[1])
    backbone = saved(tmp_path / "public.safetensors", public_weights("mobilenetv2_pyramid", 0.25))
    assert train_on(root, tmp_path, TEXT.replace('"six"', '"first"'), "--backbone-weights", backbone).code == 0
    first = read_card(tmp_path / "first" / "card.toml").training
    # Three epochs of ten images, in batches of five; two of the twelve are held out.
    assert (first.steps, first.scenes, len(seen)) == (6, 10, 6)
    assert first.backbone_sha256 == hashlib.sha256(backbone.read_bytes()).hexdigest()
    assert (first.initial, first.initial_sha256) == (None, None)
    second = TEXT.replace("seed = 0\n", 'seed = 0\ninitial = "first"\n').replace(
        "learning_rate = 3e-2", "learning_rate = 1e-9"
    )
    outcome = train_on(root, tmp_path, second)
    assert outcome.code == 0, outcome.err
    found = read_card(tmp_path / "six" / "card.toml").training
    assert (found.initial, found.backbone_sha256) == ("first", first.backbone_sha256)
    assert found.initial_sha256 == hashlib.sha256(weights(tmp_path, "first")).hexdigest()
    # At next to no rate, the training ends where it began.
    one, other = (load_model(str(tmp_path / name / "card.toml")) for name in ("first", "six"))
    for (name, value), same in zip(one.net.named_parameters(), other.net.parameters(), strict=True):
        torch.testing.assert_close(value, same, rtol=2e-3, atol=1e-6, msg=name)
    refused = train_on(root, tmp_path, second, "--backbone-weights", backbone)
    assert_refused(refused, "starts from model first", "leave out --backbone-weights")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = 0\n", 'seed = 0\ninitial = "none"\n', "unknown model 'none'"),
        ("seed = 0\n", 'seed = 0\ninitial = "rooms3-shared.clean"\n', "other tasks or another network"),
        ("validation = 2", "validation = 12", "12 training images"),
        ("epochs = 3", "epochs = 3\nsteps = 3", "steps or epochs must be given, and not both"),
        ("epochs = 3\n", "", "steps or epochs must be given, and not both"),
        ("zoom = [0.8, 1.5]", "zoom = [1.5, 0.8]", "zoom must be [lowest, highest]"),
        ("mobilenetv2:mobilenetv2_pyramid", "compact:compact", "cannot be built"),
        ('precision = "float32"', 'precision = "float32"\npacking = "int4"', "'packing'"),
    ],
)
def test_what_cannot_be_trained_is_refused(tmp_path: Path, root: Path, old: str, new: str, message: str) -> None:
    assert old in TEXT
    assert_refused(train_on(root, tmp_path, TEXT.replace(old, new)), message)


def test_without_the_folder_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(TEXT)
    assert_refused(mtrbench("train", tmp_path / "recipe.toml", "--out", tmp_path), "pass --data-root FOLDER")


def test_a_packing_of_eight_bits_is_smaller_and_what_is_scored(tmp_path: Path, root: Path) -> None:
    assert train_on(root, tmp_path).code == 0
    half = len(weights(tmp_path))
    outcome = train_on(root, tmp_path, TEXT.replace('"float32"\n', '"float32"\npacking = "int8"\n'))
    assert outcome.code == 0, outcome.err
    assert len(weights(tmp_path)) < 0.9 * half
    load_model(str(tmp_path / "six" / "card.toml"))  # which checks its answers


def test_the_backbone_moves_at_its_own_rate(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(TEXT)
    recipe, _ = read_recipe(tmp_path / "recipe.toml")
    rates = moved(recipe)
    assert rates["blocks"] == pytest.approx(0.5 * rates["heads"], rel=1e-3)
    equal = moved(recipe.model_copy(update={"backbone_rate": 1.0}))
    assert equal["blocks"] == pytest.approx(equal["heads"], rel=1e-3)


def moved(recipe: Recipe) -> dict[str, float]:
    """How far a first step under equal gradients moves the weights of backbone and heads."""
    torch.manual_seed(0)
    model = build(recipe.architecture, {name: make_task(name, **settings) for name, settings in recipe.tasks.items()})
    net = model.net
    assert isinstance(net, TreeNet)
    trainer = Trainer.start(recipe.model_copy(update={"weight_decay": 0.0}), model, torch.device("cpu"), 10)
    before = {name: value.clone() for name, value in net.named_parameters()}
    for value in net.parameters():
        value.grad = torch.ones_like(value)
    trainer.optimizer.step()
    change = {name: (value - before[name]).abs().max().item() for name, value in net.named_parameters()}
    return {part: max(move for name, move in change.items() if name.startswith(part)) for part in ("blocks", "heads")}

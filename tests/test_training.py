"""Training lowers the loss, repeats to the byte, interrupted or not, and ends in a card that loads and evaluates."""

from __future__ import annotations

import csv
import hashlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import Outcome, assert_refused, mtrbench
from conftest import ADVERSARY, RECIPE, train
from torch import nn

from mtrbench import BadInputError, Noise, Task, ThreatModel, evaluate, load_attack, load_dataset, load_model
from mtrbench.benchmark.datasets.registry import TRAINING
from mtrbench.benchmark.datasets.rooms import TrainingScenes
from mtrbench.benchmark.datasets.rooms.training import TRAINING as TRAINING_SPLIT
from mtrbench.benchmark.datasets.rooms.training import VALIDATION as VALIDATION_SPLIT
from mtrbench.benchmark.protocol.tasks import make_task
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel
from mtrbench.models.card import build, packed, read_card
from mtrbench.models.nets.compact import compact
from mtrbench.models.training import loop
from mtrbench.models.training.checkpoint import Checkpoint
from mtrbench.models.training.log import Log
from mtrbench.models.training.recipe import read_recipe
from mtrbench.models.training.scenes import rendered
from mtrbench.models.training.validation import validate

KINDS = ["clean", "adversarial"]
DGBA = """
[adversary]
attack = "dgba-pgd"
eps = 4.0
share = 0.5
settings = { steps = 1, solver = "closed-form" }
"""


@pytest.fixture(params=KINDS)
def card(request: pytest.FixtureRequest) -> Path:
    name = {"clean": "tiny", "adversarial": "tiny_adversarial"}[request.param]
    return request.getfixturevalue(name)


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards with clean scores on two images: the evaluation split takes longer than tiny trainings."""
    monkeypatch.setattr("mtrbench.cli.train.load_dataset", partial(load_dataset, images=2))


def training_loss(model: MultiTaskModel, recipe_path: Path) -> float:
    recipe, _ = read_recipe(recipe_path)
    scenes = TRAINING.get(recipe.dataset)(seed=recipe.seed, count=8, size=recipe.size, tasks=model.tasks)
    items = [scenes[i] for i in range(len(scenes))]
    truth = {task: torch.stack([item[1][task] for item in items]) for task in model.tasks}
    batch = Batch(torch.stack([item[0] for item in items]), truth, tuple(map(str, range(8))))
    with torch.no_grad():
        losses = model.losses(batch)
    return sum(recipe.task_weights[task] * loss.mean().item() for task, loss in losses.items())


def test_training_lowers_the_training_loss(card: Path) -> None:
    recipe_path = card.parent.parent / "recipe.toml"
    recipe, _ = read_recipe(recipe_path)
    torch.manual_seed(recipe.seed)
    untrained = build(recipe.architecture, read_card(card).make_tasks()).eval()
    assert training_loss(load_model(str(card)), recipe_path) < 0.9 * training_loss(untrained, recipe_path)


def test_card_says_where_the_model_comes_from(card: Path) -> None:
    recipe_path = card.parent.parent / "recipe.toml"
    recipe, digest = read_recipe(recipe_path)
    training = read_card(card).training
    assert training.recipe_sha256 == digest
    assert (training.steps, training.seed, training.scenes) == (recipe.steps, recipe.seed, recipe.scenes)
    adversary = recipe.adversary
    assert training.recipe == recipe_path.name
    stated = (training.attack, training.eps, training.start, training.share)
    assert stated == ((adversary.attack, adversary.eps, 0, 0.5) if adversary else (None,) * 4)


def test_trained_card_evaluates(card: Path) -> None:
    record = evaluate(str(card), "total-fgsm", images=4)
    assert record.facts.adversary == ("total-pgd, eps 4/255" if "at" in card.stem else None)
    assert record.degradation.arlc.value > 0


@pytest.mark.parametrize("more", ["", ADVERSARY], ids=KINDS)
def test_same_recipe_gives_the_same_bytes(tmp_path: Path, few_images: None, more: str) -> None:
    contents = []
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        card = train(tmp_path / run, "short", steps=3, more=more)
        contents.append((card.parent.parent / "weights" / "short.safetensors").read_bytes())
    assert contents[0] == contents[1]


def test_another_seed_gives_other_weights(tmp_path: Path, few_images: None) -> None:
    digests = set()
    for seed in (0, 1):
        recipe = tmp_path / f"{seed}.toml"
        recipe.write_text(RECIPE.format(name=f"seed{seed}", steps=1).replace("seed = 0", f"seed = {seed}"))
        assert mtrbench("train", recipe, "--out", tmp_path, "--workers", 0).code == 0
        digests.add(hashlib.sha256((tmp_path / "weights" / f"seed{seed}.safetensors").read_bytes()).hexdigest())
    assert len(digests) == 2


def dropping(tasks: Mapping[str, Task], layout: Sequence[str], width: int) -> nn.Module:
    """The compact network behind dropout, which draws from torch's own random numbers."""
    return nn.Sequential(nn.Dropout(0.1), compact(tasks, layout, width))


SIX = RECIPE.format(name="six", steps=6)
VALIDATED = SIX.replace("steps = 6\n", "steps = 6\nvalidation = 3\nvalidate_every = 2\n")
WITH_DROPOUT = SIX.replace("mtrbench.models.nets.compact:compact", "test_training:dropping")


def train_six(folder: Path, text: str) -> Outcome:
    folder.mkdir(exist_ok=True)
    (folder / "six.toml").write_text(text)
    return mtrbench("train", folder / "six.toml", "--out", folder, "--workers", 0, "--checkpoint-every", 2)


def logged(folder: Path) -> list[dict[str, str]]:
    """The rows of the log without what differs from run to run."""
    with (folder / "logs" / "six.csv").open() as file:
        rows = list(csv.DictReader(file))
    seconds = [float(row.pop("seconds")) for row in rows]
    assert seconds == sorted(seconds)
    return rows


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A folder where six steps of training were stopped after five, by a signal."""

    def stop(text: str, number: int = signal.SIGINT) -> Path:
        write = Log.write

        def write_and_stop(self: Log, values: Mapping[str, int | float]) -> None:
            write(self, values)
            if values["step"] == 5:
                os.kill(os.getpid(), number)

        with monkeypatch.context() as patch:
            patch.setattr(Log, "write", write_and_stop)
            outcome = train_six(tmp_path / "stopped", text)
        assert outcome.code == 128 + number
        assert "Traceback" not in outcome.err
        return tmp_path / "stopped"

    return stop


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param(WITH_DROPOUT, signal.SIGINT, id="clean"),
        pytest.param(SIX + ADVERSARY, signal.SIGTERM, id="adversarial"),
        pytest.param(VALIDATED + DGBA, signal.SIGINT, id="dgba, validated"),
    ],
)
def test_an_interrupted_training_goes_on_to_the_same_bytes(
    tmp_path: Path, stopped: Callable[..., Path], text: str, number: int
) -> None:
    folder, whole = stopped(text, number), tmp_path / "whole"
    assert [row["step"] for row in logged(folder)] == ["1", "2", "3", "4", "5"]
    assert (folder / "checkpoints" / "six.pt").is_file()
    assert not list((folder / "weights").iterdir())
    for out in (folder, whole):
        outcome = train_six(out, text)
        assert outcome.code == 0, outcome.err
        assert not list((out / "checkpoints").glob("*"))
    contents = [(out / "weights" / "six.safetensors").read_bytes() for out in (folder, whole)]
    assert contents[0] == contents[1]
    assert logged(folder) == logged(whole)
    best = [read_card(out / "cards" / "six.toml").training.best_step for out in (folder, whole)]
    assert best[0] == best[1]


@pytest.mark.usefixtures("few_images")
def test_what_comes_before_the_adversary_is_trained_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    step = loop._step
    monkeypatch.setattr(loop, "_step", lambda *args: steps.append(step(*args)))
    late = VALIDATED + ADVERSARY.replace("share = 0.5", "share = 0.5\nstart = 4")
    alone, together = {}, {}
    for text in (late, late.replace("total-pgd", "dgba-pgd"), VALIDATED):
        for found, folder in ((alone, tmp_path / str(len(alone))), (together, tmp_path / "together")):
            steps.clear()
            outcome = train_six(folder, text)
            assert outcome.code == 0, outcome.err
            assert len(steps) == (2 if found is together and together else 6)
            found[text] = (folder / "weights" / "six.safetensors").read_bytes()
            best = read_card(folder / "cards" / "six.toml").training.best_step
            assert best == 6 if text != VALIDATED else best in (2, 4, 6)
    assert alone == together
    assert len({*alone.values()}) == 3
    steps.clear()
    assert train_six(tmp_path / "together", late.replace("seed = 0", "seed = 1")).code == 0
    assert len(steps) == 6


@pytest.mark.usefixtures("few_images")
def test_an_adversary_that_joins_earlier_begins_anew(tmp_path: Path) -> None:
    late, early = (VALIDATED + ADVERSARY.replace("share = 0.5", f"share = 0.5\nstart = {start}") for start in (4, 2))
    contents = []
    for folder, before in ((tmp_path / "alone", ()), (tmp_path / "together", (late,))):
        for text in (*before, early):
            assert train_six(folder, text).code == 0
        contents.append((folder / "weights" / "six.safetensors").read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.usefixtures("few_images")
def test_a_checkpoint_of_another_recipe_is_refused(stopped: Callable[..., Path]) -> None:
    folder = stopped(SIX)
    origin = read_recipe(folder / "six.toml")[1]
    assert_refused(
        train_six(folder, SIX.replace("seed = 0", "seed = 1")),
        "six.pt is of another recipe; remove it to train from the start",
    )
    Checkpoint(folder / "checkpoints" / "six.pt", origin).write({"step": 3})
    assert_refused(train_six(folder, SIX), "six.pt does not fit", "remove it to train from the start")


class Trap:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_broken_checkpoint_is_refused_and_code_in_it_never_run(tmp_path: Path) -> None:
    checkpoint, trap = Checkpoint(tmp_path / "a.pt", "a"), tmp_path / "trap"
    assert checkpoint.read() is None
    state = {"step": 3, "running": {"depth": 0.5}, "weights": torch.arange(5.0), "best": None}
    checkpoint.write(state)
    found = checkpoint.read()
    assert found is not None
    assert torch.equal(found.pop("weights"), state.pop("weights"))
    assert found == state
    whole = checkpoint.path.read_bytes()
    torch.save({"origin": "a", "state": Trap(trap)}, checkpoint.path)
    for content in (checkpoint.path.read_bytes(), whole[:-20], b"", b"no checkpoint"):
        checkpoint.path.write_bytes(content)
        with pytest.raises(BadInputError, match=r"a\.pt cannot be read; remove it to train from the start"):
            checkpoint.read()
    assert not trap.exists()


@pytest.mark.usefixtures("few_images")
def test_the_weights_are_those_that_validation_scored_lowest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, splits = [], []
    scores = iter([3.0, 1.0, float("nan")])

    def judged(model: MultiTaskModel, *rest: Any) -> dict[str, float]:
        seen.append(packed(model))
        return {"validation": next(scores)}

    def recorded(scenes: TrainingScenes, *rest: Any) -> Any:
        splits.append((scenes.split, len(scenes)))
        return rendered(scenes, *rest)

    monkeypatch.setattr("mtrbench.models.training.loop.validate", judged)
    monkeypatch.setattr("mtrbench.cli.train.rendered", recorded)
    assert train_six(tmp_path, VALIDATED).code == 0
    assert len(set(seen)) == 3
    assert (tmp_path / "weights" / "six.safetensors").read_bytes() == seen[1]
    assert read_card(tmp_path / "cards" / "six.toml").training.best_step == 4
    assert [row["validation"] for row in logged(tmp_path)] == ["", "3", "", "1", "", "nan"]
    assert splits == [(TRAINING_SPLIT, 32), (VALIDATION_SPLIT, 3)]


@pytest.mark.parametrize("more", ["", ADVERSARY], ids=KINDS)
def test_the_validation_score_is_the_weighted_loss_clean_and_attacked(tmp_path: Path, more: str) -> None:
    (tmp_path / "recipe.toml").write_text(VALIDATED.replace("batch = 8", "batch = 2") + more)
    recipe, _ = read_recipe(tmp_path / "recipe.toml")
    tasks = {name: make_task(name, **settings) for name, settings in recipe.tasks.items()}
    torch.manual_seed(0)
    model = build(recipe.architecture, tasks).eval()
    source = rendered(TrainingScenes(0, 3, (16, 16), tasks, VALIDATION_SPLIT), 0, tmp_path)
    whole = source.batch(slice(0, 3), tuple(f"validation{index}" for index in range(3)))
    batches, attack = [whole], None
    if recipe.adversary:
        attack = load_attack(recipe.adversary.attack, **recipe.adversary.settings)
        batches.append(whole.at(attack(model, whole, ThreatModel(eps=4 / 255), Noise(0))))
    found = validate(model, source, recipe, attack)
    sums = [
        sum(recipe.task_weights[task] * loss.mean().item() for task, loss in model.losses(batch).items())
        for batch in batches
    ]
    assert found["validation"] == pytest.approx(sum(sums) / len(sums), rel=1e-4)
    assert found["validation_depth"] == pytest.approx(model.losses(whole)["depth"].mean().item(), rel=1e-4)
    assert ("attacked_depth" in found) == (attack is not None)

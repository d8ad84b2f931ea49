"""Validation scenes choose the weights, and are scored as training is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.trainings import ADVERSARY, VALIDATED, logged, trained

from mtrbench import Noise, ThreatModel, load_attack
from mtrbench.benchmark.datasets.rooms.training import TRAINING as TRAINING_SPLIT
from mtrbench.benchmark.datasets.rooms.training import VALIDATION as VALIDATION_SPLIT
from mtrbench.benchmark.datasets.rooms.training import TrainingScenes
from mtrbench.benchmark.protocol.tasks.registry import make_task
from mtrbench.benchmark.protocol.types import MultiTaskModel
from mtrbench.models.building import build
from mtrbench.models.card import read_card
from mtrbench.models.packing import packed
from mtrbench.models.training.recipe import read_recipe
from mtrbench.models.training.scenes import rendered
from mtrbench.models.training.validation import validate


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
    monkeypatch.setattr("mtrbench.api.train.rendered", recorded)
    trained(tmp_path, VALIDATED)
    assert len(set(seen)) == 3
    assert (tmp_path / "six" / "weights.safetensors").read_bytes() == seen[1]
    assert read_card(tmp_path / "six" / "card.toml").training.best_step == 4
    assert [row["validation"] for row in logged(tmp_path)] == ["", "3", "", "1", "", "nan"]
    assert splits == [(TRAINING_SPLIT, 32), (VALIDATION_SPLIT, 3)]


@pytest.mark.parametrize("more", ["", ADVERSARY], ids=["clean", "adversarial"])
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

"""Training lowers the loss, repeats to the byte, and ends in a card that loads and evaluates."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from helpers.trainings import ADVERSARY, recipe, trained

from mtrbench import evaluate, load_model
from mtrbench.benchmark.datasets.registry import TRAINING
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel
from mtrbench.models.building import build
from mtrbench.models.card import read_card
from mtrbench.models.training.recipe import read_recipe

KINDS = ["clean", "adversarial"]


@pytest.fixture(params=KINDS)
def card(request: pytest.FixtureRequest) -> Path:
    name = {"clean": "tiny", "adversarial": "tiny_adversarial"}[request.param]
    return request.getfixturevalue(name)


def training_loss(model: MultiTaskModel, recipe_path: Path) -> float:
    plan, _ = read_recipe(recipe_path)
    scenes = TRAINING.get(plan.dataset)(seed=plan.seed, count=8, size=plan.size, tasks=model.tasks)
    items = [scenes[i] for i in range(len(scenes))]
    truth = {task: torch.stack([item[1][task] for item in items]) for task in model.tasks}
    batch = Batch(torch.stack([item[0] for item in items]), truth, tuple(map(str, range(8))))
    with torch.no_grad():
        losses = model.losses(batch)
    return sum(plan.task_weights[task] * loss.mean().item() for task, loss in losses.items())


def test_training_lowers_the_training_loss(card: Path) -> None:
    recipe_path = card.parent.parent / "recipe.toml"
    plan, _ = read_recipe(recipe_path)
    torch.manual_seed(plan.seed)
    untrained = build(plan.architecture, read_card(card).make_tasks()).eval()
    assert training_loss(load_model(str(card)), recipe_path) < 0.9 * training_loss(untrained, recipe_path)


def test_card_says_where_the_model_comes_from(card: Path) -> None:
    recipe_path = card.parent.parent / "recipe.toml"
    plan, digest = read_recipe(recipe_path)
    training = read_card(card).training
    assert training.recipe_sha256 == digest
    assert (training.steps, training.seed, training.scenes) == (plan.steps, plan.seed, plan.scenes)
    adversary = plan.adversary
    assert training.recipe == recipe_path.name
    stated = (training.attack, training.eps, training.start, training.share)
    assert stated == ((adversary.attack, adversary.eps, 0, 0.5) if adversary else (None,) * 4)


def test_trained_card_evaluates(card: Path) -> None:
    record = evaluate(str(card), "total-fgsm", images=4)
    assert record.model_facts.adversary == ("total-pgd, eps 4/255" if "at" in card.parent.name else None)
    assert record.degradation.arlc.value > 0


@pytest.mark.parametrize("more", ["", ADVERSARY], ids=KINDS)
def test_same_recipe_gives_the_same_bytes(tmp_path: Path, few_images: None, more: str) -> None:
    contents = []
    for run in ("first", "second"):
        card = trained(tmp_path / run, recipe("short", steps=3) + more)
        contents.append((card.parent / "weights.safetensors").read_bytes())
    assert contents[0] == contents[1]


def test_another_seed_gives_other_weights(tmp_path: Path, few_images: None) -> None:
    digests = set()
    for seed in (0, 1):
        card = trained(tmp_path, recipe(f"seed{seed}", steps=1).replace("seed = 0", f"seed = {seed}"))
        digests.add(hashlib.sha256((card.parent / "weights.safetensors").read_bytes()).hexdigest())
    assert len(digests) == 2

"""Attacks that ascend the score itself."""

from __future__ import annotations

import pytest
import torch
from helpers.asserts import assert_leaves_model_untouched, assert_within_budget
from helpers.samples import perception
from helpers.threats import linf

from mtrbench import load_attack, load_dataset, load_model
from mtrbench.attacks.losses.score import AscendingScore, clean_values, on_score
from mtrbench.attacks.registry import attack_facts, describe
from mtrbench.benchmark.harness import measure
from mtrbench.benchmark.protocol.damage import on_split
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Batch

NAMES = ["total-pgd", "dgba-apgd", "single:depth-fgsm", "uap"]


@pytest.mark.parametrize("name", NAMES)
def test_attacks_on_the_score_are_attacks(name: str) -> None:
    attack, (model, batch) = load_attack(f"{name}@score"), perception()
    assert_within_budget(attack, model, batch, linf)
    assert_leaves_model_untouched(attack, model, batch, linf)


def test_a_fitted_one_knows_each_sample_by_itself() -> None:
    model, batch = perception()
    ready = load_attack("dgba-pgd@score").fitted(model, [batch], linf, Noise())
    together = ready(model, batch, linf, Noise())
    for i, name in enumerate(batch.ids):
        own = Batch(batch.x[i : i + 1], {task: truth[i : i + 1] for task, truth in batch.truth.items()}, (name,))
        assert torch.equal(ready(model, own, linf, Noise()), together[i : i + 1])


def test_the_losses_are_soft_damage_relative_to_the_split() -> None:
    model, batch = perception()
    clean = clean_values(model, [batch])
    losses = on_score(model, clean).losses(batch)
    for name, task in model.tasks.items():
        expected = task.soft_damage(model(batch.x)[name], batch.truth[name], clean[name].metrics)
        assert torch.equal(losses[name], expected)


def test_the_integer_program_is_the_closed_form_here_too() -> None:
    model, batch = perception()
    attacks = [load_attack("dgba-pgd@score", solver=solver) for solver in ("cp-sat", "closed-form")]
    made = [attack(model, batch, linf, Noise()) for attack in attacks]
    assert torch.equal(*made)


def test_it_says_what_it_is() -> None:
    attack = load_attack("dgba-apgd@score[steps=5]")
    assert attack == AscendingScore(load_attack("dgba-apgd[steps=5]"))
    assert attack_facts("dgba-apgd@score", attack).losses == "score"
    version, settings = describe("dgba-apgd@score", attack)
    assert (version, settings["steps"]) == ("1.2.1", 5)


def test_on_a_trained_model_it_does_more_damage_than_the_losses_do() -> None:
    model = load_model("rooms3-shared.clean")
    batch = load_dataset("rooms3", model.tasks, images=4).batch(range(4))
    clean = measure(model, [batch])
    totals = {name: value.sum(axis=0) for name, value in clean.statistics.items()}

    def ard(name: str) -> float:
        found = measure(model, [batch], load_attack(name), ThreatModel("linf", 4 / 255), Noise())
        return float(on_split(model.tasks, totals, {task: part.sum(axis=0) for task, part in found.statistics.items()}))

    assert ard("total-pgd@score") > ard("total-pgd")

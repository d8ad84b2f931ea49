"""How good weights are before the evaluation split is seen."""

from __future__ import annotations

import torch

from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Attack, Batch, MultiTaskModel
from .recipe import Recipe
from .scenes import Rendered

SCORE = "validation"


def validate(model: MultiTaskModel, scenes: Rendered, recipe: Recipe, attack: Attack | None) -> dict[str, float]:
    """The mean losses of `model` on the validation scenes, and the score that chooses among weights: lowest wins.

    The score `validation` is sum_t weight_t L_t, of which the training minimises the batch's; for an adversarially
    trained model it is the mean of that on clean images and under the inner attack. Beside it stand
    `validation_TASK`, the clean loss of each task, and `attacked_TASK`, where there is an attack. In float32, as
    models are evaluated; `model` is in eval mode.
    """
    device = next(model.parameters()).device
    totals: dict[str, float] = {}
    for first in range(0, len(scenes), recipe.batch):
        span = slice(first, min(first + recipe.batch, len(scenes)))
        ids = tuple(f"validation{index}" for index in range(span.start, span.stop))
        clean = scenes.batch(span, ids).to(device)
        passes = {"validation": clean}
        if recipe.adversary and attack:
            passes["attacked"] = attacked(model, attack, clean, recipe)
        for title, batch in passes.items():
            with torch.no_grad():
                losses = model.losses(batch)
            for task, loss in losses.items():
                name = f"{title}_{task}"
                totals[name] = totals.get(name, 0.0) + loss.double().sum().item()
    means = {name: total / len(scenes) for name, total in totals.items()}
    weighted = sum(recipe.task_weights[name.partition("_")[2]] * loss for name, loss in means.items())
    return {SCORE: weighted / (2 if attack else 1), **means}


def attacked(model: MultiTaskModel, attack: Attack, batch: Batch, recipe: Recipe) -> Batch:
    """The batch with adversarial images, made by the inner attack against `model`."""
    assert recipe.adversary is not None
    return batch.at(attack(model, batch, ThreatModel(eps=recipe.adversary.eps / 255), Noise(recipe.seed)))

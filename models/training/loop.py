"""The training loop, clean and adversarial."""

from __future__ import annotations

import math
import time

import torch
from torch import Tensor, nn

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.progress import progress
from ...benchmark.protocol.types import Batch
from .augment import augmented
from .checkpoint import Checkpoint
from .log import Log
from .scenes import Rendered
from .trainer import Best, Trainer
from .validation import SCORE, attacked, validate


def train(
    trainer: Trainer,
    scenes: Rendered,
    validation: Rendered | None,
    checkpoint: Checkpoint,
    clean_start: Checkpoint,
    every: int,
    log: Log,
) -> None:
    """Train the trainer's model in place, from the step it is at to the recipe's last; it ends in eval mode.

    Minimises sum_t weight_t mean_B L_t by the recipe's optimizer and schedule with clipped gradients. After `start`
    steps an adversary joins: the first `share` of every batch is replaced by adversarial images, made by the attack
    against the model in eval mode.
    The weights kept are the exponential moving average over the steps: after the last step or, with `validation`
    scenes, at that step, of every `validate_every` and the last, at which `validate` scores them lowest; under an
    adversary, of the steps since it joined. The state goes to `checkpoint` every `every` steps, and to `clean_start`
    when the adversary joins; a training that goes on from there ends in the same bits.
    """
    recipe = trainer.recipe
    with progress(title=recipe.name, total=trainer.steps, initial=trainer.step, unit="step", mininterval=1.0) as bar:
        while trainer.step < trainer.steps:
            if recipe.adversary and 0 < trainer.step == recipe.adversary.start:
                trainer.save(clean_start)
                trainer.best = None  # a score without the attack is another score
            start = time.perf_counter()
            rate = float(trainer.schedule.get_last_lr()[-1])
            _step(trainer, scenes)
            row = {"step": trainer.step, "learning_rate": rate, **trainer.running}
            if validation and (trainer.step % recipe.validate_every == 0 or trainer.step == trainer.steps):
                row |= _compared(trainer, validation)
            trainer.seconds += time.perf_counter() - start
            log.write({**row, "seconds": trainer.seconds})
            if trainer.step % every == 0:
                trainer.save(checkpoint)
            bar.set_postfix({name: f"{value:.3f}" for name, value in trainer.running.items()}, refresh=False)
            bar.update()
    trainer.finish()


def columns(trainer: Trainer) -> list[str]:
    """The columns of the log: running losses by task, and the scores of `validate` where weights are validated."""
    recipe = trainer.recipe
    titles = ("validation", "attacked") if trainer.adversary else ("validation",)
    scores = [SCORE, *(f"{title}_{task}" for title in titles for task in recipe.tasks)] if recipe.validation else []
    return ["step", "learning_rate", *recipe.tasks, *scores, "seconds"]


def _step(trainer: Trainer, scenes: Rendered) -> None:
    """One step of the optimizer."""
    recipe, model = trainer.recipe, trainer.model
    chosen = torch.randint(len(scenes), (recipe.batch,), generator=trainer.order)
    ids = tuple(f"step{trainer.step}-{index}" for index in range(recipe.batch))
    batch = scenes.batch(chosen, ids).to(trainer.device)
    if recipe.augmentation:
        batch = augmented(batch, recipe.augmentation, recipe.seed)
    with torch.autocast(trainer.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        batch = _partly_attacked(trainer, batch)
        model.train()
        losses = {name: loss.mean() for name, loss in model.losses(batch).items()}
    trainer.optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(_weighted(losses, recipe.task_weights))
    nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
    trainer.optimizer.step()
    trainer.schedule.step()
    trainer.average.update_parameters(model)
    trainer.step += 1
    for name, loss in losses.items():
        if not loss.isfinite():
            raise BadInputError(f"the loss of {name} is {loss.item()} at step {trainer.step}; lower the learning_rate")
        trainer.running[name] = 0.95 * trainer.running.get(name, loss.item()) + 0.05 * loss.item()


def _weighted(losses: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()


def _partly_attacked(trainer: Trainer, batch: Batch) -> Batch:
    """The batch with its first `share` of images replaced by adversarial ones, if there is an adversary."""
    adversary = trainer.recipe.adversary
    if not adversary or not trainer.adversary or trainer.step < adversary.start:
        return batch
    count = round(adversary.share * len(batch.x))
    part = batch.take(range(count))
    trainer.model.eval()
    return batch.at(torch.cat([attacked(trainer.model, trainer.adversary, part, trainer.recipe).x, batch.x[count:]]))


def _compared(trainer: Trainer, validation: Rendered) -> dict[str, float]:
    """The scores of the averaged weights, which become the best if none before scored lower."""
    adversary = trainer.recipe.adversary
    attack = trainer.adversary if adversary and trainer.step > adversary.start else None
    scores = validate(trainer.averaged, validation, trainer.recipe, attack)
    if scores[SCORE] < (trainer.best.score if trainer.best else math.inf):
        weights = {name: value.clone() for name, value in trainer.averaged.state_dict().items()}
        trainer.best = Best(scores[SCORE], trainer.step, weights)
    return scores

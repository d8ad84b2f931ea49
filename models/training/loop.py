"""The training loop, clean and adversarial."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as Scenes
from tqdm import tqdm

from ...attacks.registry import load_attack
from ...benchmark.protocol.noise import Noise
from ...benchmark.protocol.threat import ThreatModel
from ...benchmark.protocol.types import Attack, Batch, MultiTaskModel
from .recipe import Recipe

Scene = tuple[Tensor, dict[str, Tensor]]


def train(recipe: Recipe, model: MultiTaskModel, scenes: Scenes[Scene], workers: int, device: torch.device) -> None:
    """Train `model` in place as `recipe` says; it ends in eval mode with the averaged weights.

    Minimises sum_t weight_t mean_B L_t by AdamW under a one-cycle schedule with clipped gradients. Under an adversary
    the first `share` of every batch is replaced by adversarial images, made by the attack against the model in eval
    mode.
    The weights kept are the exponential moving average over the steps.
    """
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=recipe.steps)
    averaging = get_ema_multi_avg_fn(recipe.ema)  # type: ignore[no-untyped-call]
    average = AveragedModel(model, multi_avg_fn=averaging, use_buffers=True)
    adversary = recipe.adversary and load_attack(recipe.adversary.attack, **recipe.adversary.settings)
    running: dict[str, float] = {}
    rendered = _render(scenes, workers)
    order = torch.Generator().manual_seed(recipe.seed)
    with tqdm(total=recipe.steps, desc=recipe.name, unit="step", mininterval=1.0) as bar:
        for step in range(recipe.steps):
            chosen = torch.randint(len(rendered.x), (recipe.batch,), generator=order)
            ids = tuple(f"step{step}-{index}" for index in range(recipe.batch))
            truth = {name: value[chosen] for name, value in rendered.truth.items()}
            batch = Batch(rendered.x[chosen], truth, ids).to(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
                if recipe.adversary and adversary:
                    batch = _attacked(model, adversary, batch, recipe)
                model.train()
                losses = {name: loss.mean() for name, loss in model.losses(batch).items()}
            optimizer.zero_grad(set_to_none=True)
            weighted = [recipe.task_weights[name] * loss for name, loss in losses.items()]
            torch.autograd.backward(torch.stack(weighted).sum())
            nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimizer.step()
            schedule.step()
            average.update_parameters(model)
            for name, loss in losses.items():
                running[name] = 0.95 * running.get(name, loss.item()) + 0.05 * loss.item()
            bar.set_postfix({name: f"{value:.3f}" for name, value in running.items()}, refresh=False)
            bar.update()
    model.load_state_dict(average.module.state_dict())
    model.eval()


def _render(scenes: Scenes[Scene], workers: int) -> Batch:
    """Every scene of the data set, rendered once in worker processes: rendering costs as much as training on it."""
    loader = DataLoader(scenes, 64, num_workers=workers)
    parts = list(tqdm(loader, desc="rendering scenes", unit="batch", mininterval=1.0))
    truth = {name: torch.cat([part[1][name] for part in parts]) for name in parts[0][1]}
    return Batch(torch.cat([part[0] for part in parts]), truth, ())


def _attacked(model: MultiTaskModel, attack: Attack, batch: Batch, recipe: Recipe) -> Batch:
    """The batch with its first `share` of images replaced by adversarial ones."""
    assert recipe.adversary is not None
    count = round(recipe.adversary.share * len(batch.x))
    part = Batch(batch.x[:count], {name: truth[:count] for name, truth in batch.truth.items()}, batch.ids[:count])
    model.eval()
    adversarial = attack(model, part, ThreatModel(eps=recipe.adversary.eps / 255), Noise(recipe.seed))
    return batch.at(torch.cat([adversarial, batch.x[count:]]))

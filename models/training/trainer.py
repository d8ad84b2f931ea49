"""A training under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ...attacks.registry import load_attack
from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.types import Attack, MultiTaskModel
from ..nets.tree import TreeNet
from .checkpoint import Checkpoint
from .recipe import Recipe


@dataclass
class Best:
    """The averaged weights of the step whose validation score is the lowest so far."""

    score: float
    step: int
    weights: dict[str, Tensor]


@dataclass
class Trainer:
    """Everything that the next step depends on, besides the scenes.

    `average` is the exponential moving average of `model` over the steps, in eval mode; `running` are the losses'
    averages; `seconds` counts training and validation; `steps` is where the training ends.
    """

    recipe: Recipe
    model: MultiTaskModel
    average: AveragedModel
    adversary: Attack | None
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    order: torch.Generator
    device: torch.device
    steps: int
    step: int = 0
    seconds: float = 0.0
    running: dict[str, float] = field(default_factory=dict)
    best: Best | None = None

    @classmethod
    def start(cls, recipe: Recipe, model: MultiTaskModel, device: torch.device, steps: int) -> Trainer:
        """At step 0 of `steps`, with `model` moved to `device`, under the recipe's optimizer and schedule.

        Raises BadInputError if the backbone is to have a rate of its own in a network that shows none.
        """
        model.to(device)
        groups = _groups(recipe, model)
        make = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
        optimizer = make(groups, betas=recipe.betas or (0.9, 0.999), weight_decay=recipe.weight_decay)
        averaging = get_ema_multi_avg_fn(recipe.ema)  # type: ignore[no-untyped-call]
        average = AveragedModel(model, multi_avg_fn=averaging, use_buffers=True)
        average.eval()
        adversary = recipe.adversary
        return cls(
            recipe=recipe,
            model=model,
            average=average,
            adversary=None if adversary is None else load_attack(adversary.attack, **adversary.settings),
            optimizer=optimizer,
            schedule=_schedule(recipe, optimizer, steps),
            order=torch.Generator().manual_seed(recipe.seed),
            device=device,
            steps=steps,
        )

    @property
    def averaged(self) -> MultiTaskModel:
        """The model with its averaged weights."""
        assert isinstance(self.average.module, MultiTaskModel)
        return self.average.module

    def save(self, checkpoint: Checkpoint) -> None:
        """Write all of it that changes, with torch's own random state."""
        parts = {name: getattr(self, name).state_dict() for name in _MODULES}
        numbers = {name: getattr(self, name) for name in _VALUES}
        random = {"order": self.order.get_state(), "cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state(self.device)
        checkpoint.write({**parts, **numbers, "random": random, "best": self.best and vars(self.best)})

    def resume(self, checkpoint: Checkpoint, last: int | None = None) -> None:
        """Go to where `checkpoint` was written, if it is there and not beyond step `last`.

        Raises BadInputError if it is not of this training.
        """
        state = checkpoint.read()
        if state is None or (last is not None and state.get("step", 0) > last):
            return
        try:
            self._load(state)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise checkpoint.refused("does not fit this version's models") from error

    def _load(self, state: dict[str, Any]) -> None:
        for name in _MODULES:
            getattr(self, name).load_state_dict(state[name])
        for name in _VALUES:
            setattr(self, name, state[name])
        random = state["random"]
        self.order.set_state(random["order"])
        torch.set_rng_state(random["cpu"])
        if self.device.type == "cuda" and "cuda" in random:  # a CPU may have written it
            torch.cuda.set_rng_state(random["cuda"], self.device)
        self.best = state["best"] and Best(**state["best"])

    def finish(self) -> None:
        """Give the model its final weights, the best averaged ones or else the last, and set it to eval mode."""
        self.model.load_state_dict(self.best.weights if self.best else self.averaged.state_dict())
        self.model.eval()


def _groups(recipe: Recipe, model: MultiTaskModel) -> list[dict[str, Any]]:
    """What the optimizer moves at which rate; the heads come last."""
    if recipe.backbone_rate == 1.0:
        return [{"params": [*model.parameters()], "lr": recipe.learning_rate}]
    if not isinstance(model.net, TreeNet):
        raise BadInputError("backbone_rate: this architecture does not say what its backbone is; leave it out")
    backbone = [*model.net.blocks.parameters()]
    return [
        {"params": backbone, "lr": recipe.learning_rate * recipe.backbone_rate},
        {"params": [*model.net.heads.parameters()], "lr": recipe.learning_rate},
    ]


def _schedule(recipe: Recipe, optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    if recipe.halve_every is not None:
        return torch.optim.lr_scheduler.StepLR(optimizer, recipe.halve_every, gamma=0.5)
    rates = [group["lr"] for group in optimizer.param_groups]
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps)


_MODULES = ("model", "average", "optimizer", "schedule")
_VALUES = ("step", "seconds", "running")

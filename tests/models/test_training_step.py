"""One step of training, on a model of one weight whose next value is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mtrbench import BadInputError
from mtrbench.benchmark.protocol.tasks.registry import make_task
from mtrbench.benchmark.protocol.types import MultiTaskModel
from mtrbench.models.training.loop import _step
from mtrbench.models.training.recipe import Recipe
from mtrbench.models.training.scenes import Rendered
from mtrbench.models.training.trainer import Trainer

DEPTH = 3.0
RECIPE = {
    "name": "one",
    "dataset": "rooms3",
    "size": [8, 8],
    "licence": "MIT",
    "seed": 0,
    "scenes": 4,
    "steps": 8,
    "batch": 2,
    "learning_rate": 1.0,
    "weight_decay": 0.0,
    "clip": 1e9,
    "ema": 0.75,
    "precision": "float32",
    "tasks": {"depth": {}},
    "task_weights": {"depth": 1.0},
    "architecture": {"entry": "none:none", "layout": ["depth"]},
}


class Weight(nn.Module):
    """Depth is one weight everywhere; its absolute error falls by as much as the weight rises."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.seen: list[torch.dtype] = []

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        self.seen.append((x.flatten(1) @ x.flatten(1).T).dtype)
        return {"depth": self.weight.expand(len(x), 1, *x.shape[-2:])}


@pytest.fixture
def trainer() -> Callable[..., tuple[Trainer, Rendered]]:
    """A training of `Weight` by plain gradient steps of length 1, and scenes whose depth is 3."""

    def make(truth: float = DEPTH, **changes: object) -> tuple[Trainer, Rendered]:
        model = MultiTaskModel(Weight(), {"depth": make_task("depth")})
        found = Trainer.start(Recipe.model_validate({**RECIPE, **changes}), model, torch.device("cpu"), 8)
        found.optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        found.schedule = torch.optim.lr_scheduler.ConstantLR(found.optimizer, factor=1.0)
        return found, Rendered({"x": torch.rand(4, 3, 8, 8), "depth": torch.full((4, 1, 8, 8), truth)}, "")

    return make


def weight(model: MultiTaskModel) -> float:
    return model.net.weight.item()


def test_a_step_follows_the_gradient(trainer: Callable[..., tuple[Trainer, Rendered]]) -> None:
    own, scenes = trainer()
    _step(own, scenes)
    assert weight(own.model) == pytest.approx(1.0)
    assert (own.step, own.running["depth"]) == (1, pytest.approx(DEPTH))


def test_a_tasks_weight_scales_its_gradient(trainer: Callable[..., tuple[Trainer, Rendered]]) -> None:
    own, scenes = trainer(task_weights={"depth": 2.5})
    _step(own, scenes)
    assert weight(own.model) == pytest.approx(2.5)
    assert own.running["depth"] == pytest.approx(DEPTH)  # losses are shown as they are


def test_long_gradients_are_clipped(trainer: Callable[..., tuple[Trainer, Rendered]]) -> None:
    own, scenes = trainer(task_weights={"depth": 2.5}, clip=0.125)
    _step(own, scenes)
    assert weight(own.model) == pytest.approx(0.125, rel=1e-4)


def test_the_average_is_exponential_and_begins_at_the_first_step(
    trainer: Callable[..., tuple[Trainer, Rendered]],
) -> None:
    own, scenes = trainer()
    expected = 0.0
    for step in (1, 2):
        _step(own, scenes)
        expected = weight(own.model) if step == 1 else 0.75 * expected + 0.25 * weight(own.model)
        assert weight(own.averaged) == pytest.approx(expected)
    assert weight(own.model) == pytest.approx(2.0)


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_precision_is_that_of_the_forward_pass(
    precision: str, dtype: torch.dtype, trainer: Callable[..., tuple[Trainer, Rendered]]
) -> None:
    own, scenes = trainer(precision=precision)
    _step(own, scenes)
    assert own.model.net.seen == [dtype]
    assert weight(own.model) == pytest.approx(1.0)
    assert own.model.net.weight.dtype == torch.float32


def test_a_loss_that_is_not_finite_ends_the_training_in_one_line(
    trainer: Callable[..., tuple[Trainer, Rendered]],
) -> None:
    own, scenes = trainer()
    own.model.net.weight.data.fill_(torch.inf)
    with pytest.raises(BadInputError, match="the loss of depth is inf at step 1; lower the learning_rate"):
        _step(own, scenes)

"""What DGBA's one backward pass saves, beside a backward pass per task in the same run."""

from __future__ import annotations

import pytest
import torch
from helpers.timing import times_as_long
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from mtrbench import load_attack, load_dataset
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.per_sample import each
from mtrbench.benchmark.protocol.tasks.registry import make_task
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel
from mtrbench.models.building import build
from mtrbench.models.card import Architecture

ROUNDS, IMAGES, STEPS = 11, 16, 3
THREAT = ThreatModel("linf", 4 / 255)
TASKS = ("segmentation", "depth", "normals", "keypoints2d", "edge_texture")


def shared_model(tasks: tuple[str, ...]) -> MultiTaskModel:
    """The rooms networks' architecture, fully shared; what a pass costs does not depend on its weights."""
    made = {task: make_task(task, **({"classes": 13} if task == "segmentation" else {})) for task in tasks}
    entry = "mtrbench.models.nets.compact:compact"
    return build(Architecture(entry=entry, layout=[" ".join(tasks)] * 5), made).eval()


def task_by_task(model: MultiTaskModel, batch: Batch, how: str) -> Tensor:
    """DGBA as defined, sign(sum_t g_t / L_t): a backward pass per task.

    `how`: over a forward pass of its own each ("forward"), over one for all ("inputs"), or over one for all with the
    gradients of the weights, too, which nobody reads, as a loss's plain `backward` makes them ("weights").
    """
    x = batch.x
    for _ in range(STEPS):
        at = x.detach().requires_grad_()
        model.zero_grad()
        losses = model.losses(batch.at(at))
        total = torch.zeros_like(x)
        for task in model.tasks:
            if how == "forward":
                losses = model.losses(batch.at(at))
            if how == "weights":
                at.grad = None
                losses[task].sum().backward(retain_graph=True)
                gradient = at.grad
            else:
                (gradient,) = torch.autograd.grad(losses[task].sum(), at, retain_graph=how == "inputs")
            total += gradient / each(losses[task].detach(), x)
        x = THREAT.project(batch.x, x + THREAT.eps / STEPS * total.sign())
    return x


@pytest.mark.parametrize(
    ("tasks", "how", "least"),
    [
        (TASKS[:3], "weights", 1.9),
        (TASKS, "weights", 2.2),
        (TASKS[:3], "forward", 2.0),
        (TASKS, "forward", 3.0),
        # What a shared forward pass leaves to gain depends on how deep the heads are beside the backbone.
        (TASKS[:3], "inputs", 1.1),
        (TASKS, "inputs", 1.1),
    ],
)
def test_one_backward_pass_against_one_per_task(
    benchmark: BenchmarkFixture, tasks: tuple[str, ...], how: str, least: float, capsys: pytest.CaptureFixture[str]
) -> None:
    model = shared_model(tasks)
    batch = load_dataset("rooms5", model.tasks, images=IMAGES).batch(range(IMAGES))
    attack = load_attack("dgba-pgd", steps=STEPS)
    ratio = times_as_long(
        benchmark, lambda: task_by_task(model, batch, how), lambda: attack(model, batch, THREAT, Noise()), ROUNDS
    )
    with capsys.disabled():
        print(f"\n{len(tasks)} tasks: a backward pass for each ({how}) takes {ratio:.2f} times as long as dgba-pgd")
    assert ratio >= least

"""What DGBA's one backward pass saves and its integer programs cost, each beside its reference in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from mtrbench import load_attack, load_dataset, load_model
from mtrbench.attacks.ascent import Ascent
from mtrbench.attacks.balancing.dgba_worst import DgbaWorst
from mtrbench.attacks.balancing.programs import rows_of
from mtrbench.attacks.ilp import solve
from mtrbench.attacks.ilp.program import StepProgram
from mtrbench.benchmark.harness import measure
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.tally import tallying
from mtrbench.benchmark.protocol.tasks.registry import make_task
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel
from mtrbench.benchmark.suites.registry import SUITES
from mtrbench.models.building import build
from mtrbench.models.card import Architecture

QUICK = SUITES.get("quick")
ROUNDS = 5
STEPS = 3  # every step of a solver costs the same
IMAGES = 16
THREAT = ThreatModel(QUICK.norm, QUICK.eps[0] / 255)
TASKS = ("segmentation", "depth", "normals", "keypoints2d", "edge_texture")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)  # as every job of a run


def times_slower(benchmark: BenchmarkFixture, function: Callable[[], object], reference: Callable[[], object]) -> float:
    """How many times as long as `function` its `reference` takes: medians of rounds that alternate."""
    other: list[float] = []

    def beside() -> None:
        start = time.perf_counter()
        reference()
        other.append(time.perf_counter() - start)

    function()
    benchmark.pedantic(function, setup=beside, rounds=ROUNDS)
    return median(other) / benchmark.stats.stats.median


def shared_model(tasks: tuple[str, ...]) -> MultiTaskModel:
    """The rooms networks' architecture, fully shared; what a pass costs does not depend on its weights."""
    made = {task: make_task(task, **({"classes": 13} if task == "segmentation" else {})) for task in tasks}
    entry = "mtrbench.models.nets.compact:compact"
    return build(Architecture(entry=entry, layout=[" ".join(tasks)] * 5), made).eval()


def task_by_task(model: MultiTaskModel, batch: Batch, steps: int, *, passes_shared: bool) -> Tensor:
    """DGBA as defined, sign(sum_t g_t / L_t): a backward pass per task, and a forward pass for each or one for all."""
    x = batch.x
    for _ in range(steps):
        total = torch.zeros_like(x)
        losses: dict[str, Tensor] = {}
        for task in model.tasks:
            if not (losses and passes_shared):
                at = x.detach().requires_grad_()
                losses = model.losses(batch.at(at))
            (gradient,) = torch.autograd.grad(losses[task].sum(), at, retain_graph=passes_shared)
            total += gradient / losses[task].detach().view(-1, 1, 1, 1)
        x = THREAT.project(batch.x, x + THREAT.eps / steps * total.sign())
    return x


@pytest.mark.parametrize("passes_shared", [False, True], ids=["forward-per-task", "one-forward"])
@pytest.mark.parametrize(("tasks", "least"), [(TASKS[:3], 2.0), (TASKS, 3.0)], ids=["T=3", "T=5"])
def test_one_backward_pass_against_one_per_task(
    benchmark: BenchmarkFixture,
    tasks: tuple[str, ...],
    least: float,
    passes_shared: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = shared_model(tasks)
    batch = load_dataset("rooms5", model.tasks, images=IMAGES).batch(range(IMAGES))
    attack = load_attack("dgba-pgd", steps=3, solver="closed-form")
    ratio = times_slower(
        benchmark,
        lambda: attack(model, batch, THREAT, Noise()),
        lambda: task_by_task(model, batch, 3, passes_shared=passes_shared),
    )
    how = "backward passes over one forward pass" if passes_shared else "forward and backward passes"
    with capsys.disabled():
        print(f"\n{len(tasks)} tasks: {len(tasks)} {how} a step take {ratio:.2f} times as long as dgba's one")
    # What a shared forward pass leaves to gain depends on how deep the heads are beside the backbone.
    assert ratio >= (1.1 if passes_shared else least)


@pytest.mark.parametrize("name", QUICK.models)
def test_cpsat_costs_at_most_half_more_than_the_closed_form(
    benchmark: BenchmarkFixture, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = load_model(name)
    batch = load_dataset(QUICK.dataset, model.tasks, images=IMAGES).batch(range(IMAGES))

    def run(solver: str) -> None:
        attack = load_attack("dgba-pgd", steps=STEPS, solver=solver)
        measure(model, [batch], attack, THREAT, Noise(QUICK.seed))

    ratio = 1 / times_slower(benchmark, lambda: run("cp-sat"), lambda: run("closed-form"))
    with capsys.disabled():
        print(f"\n{name}: dgba-pgd with cp-sat takes {ratio:.2f} times as long as with closed-form")
    assert ratio <= 1.5


@pytest.mark.parametrize("name", QUICK.models)
def test_worst_task_takes_less_than_a_second_per_image_and_step(
    benchmark: BenchmarkFixture, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = load_model(name)
    batch = load_dataset(QUICK.dataset, model.tasks, images=IMAGES).batch(range(IMAGES))
    rows = rows_of(Ascent(DgbaWorst(), model, batch, Noise(), THREAT).fields(batch.x))
    programs = [StepProgram(row, "worst") for row in rows]
    with tallying() as found:
        benchmark.pedantic(solve, args=(programs,), rounds=ROUNDS, warmup_rounds=1)
    each = benchmark.stats.stats.max / IMAGES
    with capsys.disabled():
        print(
            f"\n{name}: dgba-worst takes {1000 * each:.0f} ms per image and step, largest gap {found.peaks['gap']:.1e}"
        )
    assert each < 1
    assert found.peaks["gap"] <= 1e-3
    assert found.sums["fallback"] == 0

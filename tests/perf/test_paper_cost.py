"""What the study's protocol costs at full input size: one step of an attack on one image, in seconds and memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from mtrbench import Batch, Noise, ThreatModel, load_attack
from mtrbench.benchmark.memory import peak_memory_mb
from mtrbench.benchmark.protocol.tasks.registry import make_tasks
from mtrbench.models.building import build
from mtrbench.models.training import recipe

PAPER = Path(recipe.__file__).parent / "paper"


@pytest.mark.parametrize("name", ["nyuv2-resnet34-shared.clean", "taskonomy-resnet34-shared.clean"])
def test_a_step_at_full_input_size(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], name: str) -> None:
    torch.set_num_threads(1)  # as every job of a run
    plan, _ = recipe.read_recipe(PAPER / f"{name}.toml")
    tasks = make_tasks(plan.tasks)
    model, random = build(plan.architecture, tasks).eval(), torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, *plan.size, generator=random)
    truth = {
        task: torch.rand(1, *kind.truth_shape[:-2], *plan.size, generator=random) for task, kind in tasks.items()
    } | {"segmentation": torch.randint(0, 17, (1, *plan.size), generator=random)}
    batch, threat = Batch(x, truth, ("image",)), ThreatModel("linf", 4 / 255)
    attack = load_attack("dgba-pgd", steps=1)
    after = benchmark.pedantic(attack, args=(model, batch, threat, Noise(0)), rounds=1, warmup_rounds=1)
    with capsys.disabled():
        seconds = benchmark.stats.stats.mean
        print(f"\n{name}, {plan.size[0]}x{plan.size[1]}: {seconds:.2f} s per image and step, {peak_memory_mb():.0f} MB")
    assert after.shape == x.shape
    assert 0 < (after - x).abs().max() <= 4 / 255 + 1e-6

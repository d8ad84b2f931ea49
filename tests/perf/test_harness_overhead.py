"""What the harness costs beside a bare attack in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from mtrbench import load_attack, load_dataset, load_model
from mtrbench.benchmark.harness import measure
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel

IMAGES, STEPS, ROUNDS = 32, 10, 25
THREAT = ThreatModel("linf", 4 / 255)


def pairwise_ratio(
    benchmark: BenchmarkFixture, function: Callable[[], object], reference: Callable[[], object]
) -> float:
    """How many times as long as the `reference` before it `function` takes, in this process's seconds; the median."""
    times: list[float] = []

    def timed(one: Callable[[], object]) -> None:
        start = time.process_time()
        one()
        times.append(time.process_time() - start)

    benchmark.pedantic(lambda: timed(function), setup=lambda: timed(reference), rounds=ROUNDS, warmup_rounds=1)
    return median(after / before for before, after in zip(times[::2], times[1::2], strict=True))


def test_the_harness_adds_little_to_an_attack(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]) -> None:
    model = load_model("rooms3-shared.clean")
    batch = load_dataset("rooms3", model.tasks, images=IMAGES).batch(range(IMAGES))
    attack = load_attack("total-pgd", steps=STEPS)

    @torch.no_grad()
    def bare() -> None:
        with torch.enable_grad():
            x = attack(model, batch, THREAT, Noise())
        model(x)  # the answers that anybody attacks for

    ratio = pairwise_ratio(benchmark, lambda: measure(model, [batch], attack, THREAT, Noise()), bare)
    with capsys.disabled():
        print(f"\ncopying, counting, verifying and scoring add {ratio - 1:.1%} to {STEPS} steps of total-pgd")
    assert ratio <= 1.03

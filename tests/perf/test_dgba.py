"""What the integer program costs, beside its closed form in the same run."""

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
from mtrbench.benchmark.suites import load_suite

QUICK = load_suite("quick")
ROUNDS = 3


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@pytest.mark.parametrize("name", QUICK.models)
def test_cpsat_costs_at_most_twice_the_closed_form(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    torch.set_num_threads(1)  # as every job of a run
    model = load_model(name)
    batch = load_dataset(QUICK.dataset, model.tasks, images=16).batch(range(16))
    threat = ThreatModel(QUICK.norm, QUICK.eps[0] / 255)

    def run(solver: str) -> None:
        attack = load_attack("dgba-pgd", steps=QUICK.steps, solver=solver)
        measure(model, [batch], attack, threat, Noise(QUICK.seed))

    closed_form: list[float] = []

    def beside() -> None:
        closed_form.append(seconds(lambda: run("closed-form")))

    run("cp-sat")
    benchmark.pedantic(run, args=("cp-sat",), setup=beside, rounds=ROUNDS)
    ratio = benchmark.stats.stats.median / median(closed_form)
    with capsys.disabled():
        print(f"\n{name}: dgba-pgd with cp-sat takes {ratio:.2f} times as long as with closed-form")
    assert ratio <= 2

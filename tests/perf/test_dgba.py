"""What DGBA's integer programs cost, beside attacks without any in the same run."""

from __future__ import annotations

import pytest
from helpers.timing import times_as_long
from pytest_benchmark.fixture import BenchmarkFixture

from mtrbench import load_attack, load_dataset, load_model
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.suites.registry import SUITES

QUICK = SUITES.get("quick")
ENDS = ["rooms3-shared.clean", "rooms3-independent.clean"]  # what a pass costs depends on sharing, not on training
THREAT = ThreatModel(QUICK.norm, QUICK.eps[0] / 255)
ROUNDS = 11
SOME_SIZE = {"64x64": ((64, 64), 16, 3), "256x256": ((256, 256), 2, 2)}
"""Images of one size: how large, how many, and how many steps a round takes of them."""


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize(
    ("attack", "reference", "size", "most"),
    [
        ("dgba-pgd", "total-pgd", "64x64", 1.08),
        ("dgba-pgd", "total-pgd", "256x256", 1.05),
        ("dgba-apgd", "total-apgd", "64x64", 1.08),
        ("dgba-pgd", "dgba-pgd[solver=closed-form]", "64x64", 1.05),
        # Three backward passes are 1.3 to 1.4 of it on the shared model; 1.837 to 1.849 was measured.
        ("dgba-worst-pgd", "total-pgd", "64x64", 1.9),
        ("dgba-worst-pgd", "total-pgd", "256x256", 1.7),
    ],
)
def test_integer_programs_cost_little(
    benchmark: BenchmarkFixture,
    name: str,
    attack: str,
    reference: str,
    size: str,
    most: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = load_model(name)
    pixels, images, steps = SOME_SIZE[size]
    batch = load_dataset("rooms3", model.tasks, images=images, size=pixels).batch(range(images))
    first, second = (load_attack(each, steps=steps) for each in (attack, reference))
    ratio = times_as_long(
        benchmark,
        lambda: first(model, batch, THREAT, Noise()),
        lambda: second(model, batch, THREAT, Noise()),
        ROUNDS,
    )
    with capsys.disabled():
        print(f"\n{name}, {size}: {attack} takes {ratio:.3f} times as long as {reference}")
    assert ratio <= most

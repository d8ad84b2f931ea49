"""How an attack's cost grows with tasks, steps, pixels and images, each beside half as much in the same run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from helpers.timing import times_as_long
from pytest_benchmark.fixture import BenchmarkFixture

from mtrbench import load_attack, load_dataset
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.tasks.registry import make_task
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.models.building import build
from mtrbench.models.card import Architecture

TASKS = ("segmentation", "depth", "normals", "keypoints2d")
ROUNDS = 7


def attacked(
    tasks: int = 2, shared: bool = True, steps: int = 3, side: int = 64, images: int = 8, attack: str = "dgba-pgd"
) -> Callable[[], object]:
    """An attack on as many images, under way when called."""
    names = TASKS[:tasks]
    made = {name: make_task(name, **({"classes": 13} if name == "segmentation" else {})) for name in names}
    block = " ".join(names) if shared else " | ".join(names)
    model = build(Architecture(entry="mtrbench.models.nets.compact:compact", layout=[block] * 5), made).eval()
    batch = load_dataset("rooms5", made, images=images, size=(side, side)).batch(range(images))
    found = load_attack(attack, steps=steps)
    return lambda: found(model, batch, ThreatModel("linf", 4 / 255), Noise())


@pytest.mark.parametrize(
    ("what", "more", "less", "most"),
    [
        ("tasks on a shared backbone, 4 for 2", {"tasks": 4}, {"tasks": 2}, 2.0),
        ("tasks with a network each, 4 for 2", {"tasks": 4, "shared": False}, {"tasks": 2, "shared": False}, 2.3),
        ("steps, 6 for 3", {"steps": 6}, {"steps": 3}, 2.1),
        ("pixels, 96 x 96 for 68 x 68", {"side": 96}, {"side": 68}, 2.4),
        ("images, 16 for 8", {"images": 16}, {"images": 8}, 2.2),
    ],
)
def test_twice_as_much_costs_at_most_about_twice(
    benchmark: BenchmarkFixture,
    capsys: pytest.CaptureFixture[str],
    what: str,
    more: dict[str, int],
    less: dict[str, int],
    most: float,
) -> None:
    torch.set_num_threads(1)  # as every job of a run
    ratio = times_as_long(benchmark, attacked(**more), attacked(**less), ROUNDS)
    with capsys.disabled():
        print(f"\n{what}: {ratio:.2f} times as long")
    assert 1 < ratio <= most

"""What attacks cost on a GPU at the study's size: DeepLab-ResNet34, fully shared, three tasks, 321 x 321 pixels."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

import pytest
import torch
from helpers.study import images, study_model
from torch.utils.flop_counter import FlopCounterMode

from mtrbench import load_attack
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel
from mtrbench.benchmark.speedups import TF32, products

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

STEPS, ROUNDS = 10, 5
THREAT = ThreatModel("linf", 4 / 255)
PRODUCT = 8192
"""The side of the matrices whose product stands for the device's peak."""


def seconds(function: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median time of a call, after one that is not counted."""
    times = []
    for _ in range(rounds + 1):
        torch.cuda.synchronize()
        start = perf_counter()
        function()
        torch.cuda.synchronize()
        times.append(perf_counter() - start)
    return median(times[1:])


def flops_of_a_step(model: MultiTaskModel, batch: Batch) -> int:
    """Operations of a forward pass and a backward pass to the images, a multiply-add counted as two."""
    x = batch.x.clone().requires_grad_()
    with FlopCounterMode(display=False) as counter:
        loss = torch.stack([loss.sum() for loss in model.losses(batch.at(x)).values()]).sum()
        loss.backward()
    return int(counter.get_total_flops())


def peak() -> float:
    """Operations per second of one large matrix product in TF32, in which convolutions are here, too."""
    a = torch.randn(PRODUCT, PRODUCT, device="cuda")
    took = seconds(lambda: a @ a)
    return 2 * PRODUCT**3 / took


@products([TF32])
def test_what_a_thousand_image_steps_take(capsys: pytest.CaptureFixture[str]) -> None:
    model = study_model()
    model.requires_grad_(False)
    work = flops_of_a_step(model, images(1))
    most = peak()
    lines, fastest, count = [], {}, 16
    while count <= 1024:
        try:
            batch = images(count)
            for name in ("total-pgd", "dgba-pgd"):
                attack = load_attack(name, steps=STEPS)
                took = seconds(lambda a=attack, b=batch: a(model, b, THREAT, Noise()), 3 if count <= 64 else 1)
                rate = took / (count * STEPS)
                fastest[name] = min(rate, fastest.get(name, rate))
                lines.append(
                    f"{name}, batch {count}: {1000 * rate:.2f} s per 1,000 image-steps, "
                    f"{work / rate / 1e12:.0f} TFLOP/s ({work / rate / most:.0%} of a matrix product's), "
                    f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"
                )
        except torch.OutOfMemoryError:
            lines.append(f"batch {count}: out of memory")
            break
        torch.cuda.reset_peak_memory_stats()
        count *= 2
    with capsys.disabled():
        print(f"\n{torch.cuda.get_device_name()}, torch {torch.__version__}, {work / 1e9:.1f} GFLOP per image-step")
        print("\n".join(lines))
    assert fastest["dgba-pgd"] / fastest["total-pgd"] <= 1.08

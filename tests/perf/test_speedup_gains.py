"""What attacks' passes gain by each speed-up, and how far the losses that they reach move: here, or on a GPU."""

from __future__ import annotations

import shutil
from statistics import median

import pytest
import torch
from helpers.study import images, study_model

from mtrbench import load_attack, load_dataset, load_model
from mtrbench.benchmark.harness import measure
from mtrbench.benchmark.measurement import Measurement
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Batch, MultiTaskModel
from mtrbench.benchmark.speedups import AUTOCAST, CHANNELS_LAST, COMPILE, TF32, products

STEPS, ROUNDS = 10, 3
THREAT = ThreatModel("linf", 4 / 255)
MOVED = 0.01
"""The share by which a loss may move; what was found is far less."""
SUBJECTS = ["rooms3-shared.clean, 32 images of 64 x 64", "DeepLab-ResNet34, 32 images of 321 x 321 on a GPU"]
CHOICES = [(TF32,), (CHANNELS_LAST,), (AUTOCAST,), (AUTOCAST, CHANNELS_LAST), (COMPILE,), (AUTOCAST, COMPILE)]


def subject(on_gpu: bool) -> tuple[MultiTaskModel, Batch]:
    if on_gpu:
        return study_model(), images(32)
    model = load_model("rooms3-shared.clean")
    return model, load_dataset("rooms3", model.tasks, images=32).batch(range(32))


@products()
def attacked(model: MultiTaskModel, batch: Batch, speedups: tuple[str, ...]) -> Measurement:
    attack = load_attack("total-pgd", steps=STEPS)
    return measure(model, [batch], attack, THREAT, Noise(), speedups=speedups)


@pytest.mark.parametrize("on_gpu", [False, True], ids=SUBJECTS)
def test_what_speedups_gain(on_gpu: bool, capsys: pytest.CaptureFixture[str]) -> None:
    if on_gpu and not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    model, batch = subject(on_gpu)
    own = [choice for choice in CHOICES if on_gpu or TF32 not in choice]
    exact, lines = attacked(model, batch, ()), []
    for choice in own:
        if COMPILE in choice and not shutil.which("g++"):
            continue
        before = median(attacked(model, batch, ()).seconds for _ in range(ROUNDS))
        first, *others = (attacked(model, batch, choice) for _ in range(1 + ROUNDS))
        found, took = others[-1], median(one.seconds for one in others)
        moved = max(abs(found.losses[task].mean() / loss.mean() - 1) for task, loss in exact.losses.items())
        gain = f"{took / before:.2f} of the time, {first.seconds:.1f} s at first"
        lines.append(f"{' and '.join(choice)}: {gain}, losses move by {moved:.2%}")
        assert moved <= MOVED
    with capsys.disabled():
        print(f"\n{SUBJECTS[on_gpu]}: {1000 * exact.seconds / 32 / STEPS:.2f} s per 1,000 image-steps")
        print("\n".join(lines))

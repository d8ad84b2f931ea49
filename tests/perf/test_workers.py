"""What a second worker is worth, in seconds of the same run; on a machine of two idle cores or more."""

from __future__ import annotations

import os
import time
from pathlib import Path
from statistics import median

import pytest
from helpers.commands import finish, start

IMAGES, FEW, STEPS, ROUNDS = 256, 64, 40, 3
RUN = ("run", "--model", "rooms3-shared.clean", "--attack", "total-pgd", "--steps", STEPS)


def seconds(images: int, workers: int, out: Path) -> float:
    """What a whole command takes, from its start to its boards."""
    begin = time.perf_counter()
    assert finish(start(*RUN, "--images", images, "--workers", workers, "--out", out)).code == 0
    return time.perf_counter() - begin


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has no second worker")
def test_two_workers_take_about_half_as_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole: list[float] = []
    stretch: list[float] = []
    for round_ in range(ROUNDS):
        one, two, few_by_one, few_by_two = (
            seconds(images, workers, tmp_path / f"{round_}-{images}-{workers}")
            for images in (IMAGES, FEW)
            for workers in (1, 2)
        )
        whole.append(one / two)
        # What more images take is all work: starting, loading and writing boards are in both.
        stretch.append((one - few_by_one) / (two - few_by_two))
    with capsys.disabled():
        print(
            f"\ntwo workers on {IMAGES} images: {median(stretch):.2f} times as fast, {median(whole):.2f} with start-up"
        )
    assert median(stretch) >= 1.85
    assert median(whole) >= 1.6

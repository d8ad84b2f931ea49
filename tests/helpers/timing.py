"""How long one thing takes beside another in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from pytest_benchmark.fixture import BenchmarkFixture


def times_as_long(
    benchmark: BenchmarkFixture, function: Callable[[], object], reference: Callable[[], object], rounds: int
) -> float:
    """How many times as long as `reference` the `function` takes: medians of this process's CPU time, turn by turn."""
    own: list[float] = []
    other: list[float] = []

    def timed(call: Callable[[], object], seconds: list[float]) -> None:
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)

    function()
    reference()
    benchmark.pedantic(lambda: timed(function, own), setup=lambda: timed(reference, other), rounds=rounds)
    return median(own) / median(other)

"""How much of their time workers on a Ray cluster of two nodes work; MTRBENCH_CELLS=10000 for as many cells."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from helpers.clusters import Takes, running_cluster

from mtrbench.benchmark.engines import Engine, Wanted, make_engine

pytest.importorskip("ray", reason="needs the extra: pip install 'mtrbench[ray]'")

CELLS = int(os.environ.get("MTRBENCH_CELLS", "200"))
LENGTH = 0.05
"""Seconds that a cell takes; real ones take a hundred times as long, and lose a hundredth of the share."""


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Iterator[None]:
    with running_cluster(2, 2):
        yield


def bare() -> float:
    """Seconds that a cell takes without any engine: on a busy machine sleepers wake late."""
    start = time.perf_counter()
    for job in range(20):
        Takes(LENGTH)(job)
    return (time.perf_counter() - start) / 20


def cells_per_second(engine: Engine, workers: int) -> float:
    """By each worker, from when all have started until the last cell."""
    started: set[int] = set()
    seen: list[int] = []
    first, start = 0, 0.0
    with closing(engine.run(Takes(LENGTH), range(CELLS))) as done:
        for job, (square, process) in done:
            assert square == job * job
            seen.append(job)
            if process not in started:
                started.add(process)
                first, start = len(seen), time.perf_counter()
    assert sorted(seen) == [*range(CELLS)]  # every one, once
    assert len(started) == workers
    return (CELLS - first) / (time.perf_counter() - start) / workers


def test_workers_work(capsys: pytest.CaptureFixture[str]) -> None:
    shares = {}
    for workers in (1, 2, 4):
        alone = bare()
        shares[workers] = cells_per_second(make_engine("ray", Wanted(workers)), workers) * (alone + bare()) / 2
    with capsys.disabled():
        told = ", ".join(f"{share:.3f} with {workers}" for workers, share in shares.items())
        print(f"\n{CELLS} cells of {LENGTH:g} s ({bare():.4f} in a bare loop) on Ray: workers work {told} of the time")
    assert all(share >= 0.9 for share in shares.values())


def test_it_keeps_up_with_processes(capsys: pytest.CaptureFixture[str]) -> None:
    ray, processes = (cells_per_second(make_engine(name, Wanted(2)), 2) for name in ("ray", "processes"))
    with capsys.disabled():
        print(f"\n{CELLS} cells of {LENGTH:g} s, two workers: Ray is {ray / processes:.3f} times as fast as processes")
    assert ray / processes >= 0.95

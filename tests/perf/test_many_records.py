"""A hundred thousand records from files to boards: within two gigabytes, and boards no longer than reading takes."""

from __future__ import annotations

import gc
import gzip
import multiprocessing
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mtrbench.benchmark.protocol.estimates import Estimate, Replicates
from mtrbench.benchmark.protocol.packing import file_name
from mtrbench.benchmark.protocol.reading import read_records
from mtrbench.benchmark.protocol.records import Record
from mtrbench.benchmark.stats import RESAMPLES
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.boards.metrics import metric_boards
from mtrbench.leaderboards.boards.registry import all_boards

BUDGETS, MODELS, LAYOUTS, BALANCINGS, OPTIMIZERS = 10, 50, 9, 40, ("fgsm", "pgd", "mim", "apgd", "ni")
TIMES_READING, MEGABYTES = 1, 2000
DAMAGES = 200
"""Damages that there are, each with as many replicates as it has records."""


def many_records() -> Iterator[list[Record]]:
    """Models of several layouts and trainings, each under every attack at every budget."""
    from helpers.make_records import TASKS, common_noise, make_record

    generator = np.random.default_rng(0)
    images = {task: common_noise(task, 0.03) for task in TASKS}
    drawn = [dict(zip(TASKS, row, strict=True)) for row in generator.uniform(0.5, 1.0, (DAMAGES, len(TASKS))).tolist()]
    known = [make_record("model", damage=damage) for damage in drawn]
    for number in range(MODELS):
        records = []
        degree = number // 2 % LAYOUTS
        facts = {
            "sharing_index": degree / (LAYOUTS - 1),
            "adversary": "total-pgd" if number % 2 else None,
            "twin": None,
            "layout": [f"layout {degree}"],
            "seed": number // 2 // LAYOUTS,
        }
        base = make_record(f"model{number}", facts=facts)
        for balancing, optimizer, eps in product(range(BALANCINGS), OPTIMIZERS, range(1, BUDGETS + 1)):
            name = f"{f'single:{TASKS[balancing]}' if balancing < len(TASKS) else f'balancing{balancing}'}-{optimizer}"
            scored = known[generator.integers(DAMAGES)]
            noise = {task: images[task] + 0.01 * generator.standard_normal(RESAMPLES) for task in TASKS}
            found = {task: scored.degradation.tasks[task].value * (1 + noise[task]) for task in TASKS}
            rows = np.stack([*found.values(), np.mean([*found.values()], axis=0)])
            lows, highs = np.quantile(rows, (0.025, 0.975), axis=1).tolist()
            of = [*scored.degradation.tasks.values(), scored.degradation.ard]
            *tasks, ard = (
                Estimate(value=one.value, low=min(low, one.value), high=max(high, one.value))
                for one, low, high in zip(of, lows, highs, strict=True)
            )
            scores = {
                "ard": ard,
                "tasks": dict(zip(TASKS, tasks, strict=True)),
                "replicates": {task: Replicates.pack(row) for task, row in found.items()},
            }
            cell = base.cell.model_copy(
                update={
                    "attack": base.attack.model_copy(update={"name": name}),
                    "threat": base.threat.model_copy(update={"eps": float(eps)}),
                }
            )
            own = {
                "key": cell.key,
                "cell": cell,
                "attacked": scored.attacked,
                "degradation": scored.degradation.model_copy(update=scores),
            }
            records.append(base.model_copy(update=own))
        yield records


def measured(folder: Path) -> tuple[int, int, float, float, float]:
    """How many records and boards, the seconds to read those and to make these, the process's peak memory in MB."""
    start = time.process_time()
    records = read_records(folder)
    reading = time.process_time() - start
    gc.freeze()  # as the command does
    start = time.process_time()
    groups = group(records)
    boards = [*(found for _, found in all_boards(groups).values()), *metric_boards(groups).values()]
    seconds = time.process_time() - start
    count = sum(map(len, boards))
    return len(records), count, reading, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def test_a_hundred_thousand_records(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for records in many_records():
        lines = "".join(f"{record.model_dump_json(by_alias=True)}\n" for record in records)
        (tmp_path / file_name(records[0].cell.model.name)).write_bytes(gzip.compress(lines.encode(), 1))
    # In a process of its own, whose memory holds nothing else.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        count, boards, reading, seconds, megabytes = benchmark.pedantic(
            lambda: pool.submit(measured, tmp_path).result()
        )
    with capsys.disabled():
        print(f"\nReading {count} records takes {reading:.0f} seconds of the processor, {boards} boards {seconds:.0f};")
        print(f"{megabytes:.0f} MB in all")
    assert count == 100_000
    assert boards > 100
    assert seconds < TIMES_READING * reading
    assert megabytes < MEGABYTES

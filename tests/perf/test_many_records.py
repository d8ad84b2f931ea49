"""A hundred thousand records as boards: within two gigabytes, and a few times what reading them takes."""

from __future__ import annotations

import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import product

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mtrbench.benchmark.protocol.estimates import Estimate, Replicates
from mtrbench.benchmark.protocol.records import Record
from mtrbench.benchmark.stats import RESAMPLES
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.boards.metrics import metric_boards
from mtrbench.leaderboards.boards.registry import all_boards

BUDGETS, MODELS, LAYOUTS, BALANCINGS, OPTIMIZERS = 10, 50, 9, 40, ("fgsm", "pgd", "mim", "apgd", "ni")
TIMES_READING, MEGABYTES = 4, 2000
SAMPLE = 2_000
"""Records that are read to tell how long reading takes."""
DAMAGES = 200
"""Damages that there are: what a record says of them it shares with others, so that it takes no memory."""


def many_records() -> list[Record]:
    """Models of several layouts and trainings under every attack at every budget; all share what their model is."""
    from helpers.make_records import TASKS, common_noise, make_record

    generator = np.random.default_rng(0)
    images = {task: common_noise(task, 0.03) for task in TASKS}
    drawn = [dict(zip(TASKS, row, strict=True)) for row in generator.uniform(0.5, 1.0, (DAMAGES, len(TASKS))).tolist()]
    known = [make_record("model", damage=damage) for damage in drawn]
    records = []
    for number in range(MODELS):
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
    return records


def seconds_to_read(records: list[Record]) -> float:
    """How long this machine takes to read and check the records, from a sample; one that is not sound is refused."""
    texts = [record.model_dump_json(by_alias=True) for record in records[:: max(1, len(records) // SAMPLE)]]
    start = time.perf_counter()
    for text in texts:
        Record.model_validate_json(text)
    return (time.perf_counter() - start) / len(texts) * len(records)


def measured() -> tuple[int, int, float, float, float]:
    """How many records and boards, the seconds to read those and to make these, the process's peak memory in MB."""
    records = many_records()
    reading = seconds_to_read(records)
    start = time.perf_counter()
    groups = group(records)
    boards = [*(found for _, found in all_boards(groups).values()), *metric_boards(groups).values()]
    seconds = time.perf_counter() - start
    count = sum(map(len, boards))
    return len(records), count, reading, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def test_a_hundred_thousand_records(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]) -> None:
    # In a process of its own, whose memory holds nothing else.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        records, boards, reading, seconds, megabytes = benchmark.pedantic(lambda: pool.submit(measured).result())
    with capsys.disabled():
        print(f"\n{boards} boards from {records} records take {seconds:.0f} seconds and {megabytes:.0f} MB,")
        print(f"{seconds / reading:.1f} times as long as reading the records")
    assert records == 100_000
    assert boards > 100
    assert seconds < TIMES_READING * reading
    assert megabytes < MEGABYTES

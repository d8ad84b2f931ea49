"""A hundred thousand records from files to boards: within two gigabytes, and again in half of the time."""

from __future__ import annotations

import gc
import gzip
import multiprocessing
import resource
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from helpers.commands import files, start
from pytest_benchmark.fixture import BenchmarkFixture

from mtrbench.benchmark.protocol.estimates import Estimate, Replicates
from mtrbench.benchmark.protocol.packing import file_name
from mtrbench.benchmark.protocol.reading import collector_at_rest, read_records
from mtrbench.benchmark.protocol.records import Record
from mtrbench.benchmark.stats import RESAMPLES
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.boards.metrics import metric_boards
from mtrbench.leaderboards.boards.registry import all_boards

BUDGETS, MODELS, LAYOUTS, BALANCINGS, OPTIMIZERS = 10, 50, 9, 40, ("fgsm", "pgd", "mim", "apgd", "ni")
RECORDS = BUDGETS * MODELS * BALANCINGS * len(OPTIMIZERS)
WORKERS, TIMES_READING, SHARE_AGAIN, MEGABYTES = 2, 1, 0.75, 2000
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


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds by the clock and of processors, and the peak of its processes' memory in MB."""

    wall: float
    processor: float
    megabytes: float


def cost_of(*arguments: object) -> Cost:
    """The cost of `mtrbench ARGUMENTS`, with all processes that it starts."""
    before, begin, memory = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), [0.0]
    process = start(*arguments)

    def watch() -> None:
        while process.returncode is None:
            memory.append(resident(process.pid))
            time.sleep(0.1)

    watching = Thread(target=watch)
    watching.start()
    out, err = process.communicate()
    watching.join()
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == 0, err
    assert f"{RECORDS} records" in out
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, max(memory))


def resident(session: int) -> float:
    """The resident memory of all processes of a session, in MB; what they share counts several times."""
    pages = 0
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if int((place / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                pages += int((place / "statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def from_files_to_boards(folder: Path) -> tuple[int, float, float, float]:
    """How many boards; the seconds in all, and of processors to read the records and to make these."""
    begin, start = time.perf_counter(), processors()
    with collector_at_rest():
        records = read_records(folder, workers=WORKERS)
        reading = processors() - start
        gc.freeze()  # as the command does
    start = processors()
    groups = group(records)
    boards = [*(found for _, found in all_boards(groups).values()), *metric_boards(groups).values()]
    return sum(map(len, boards)), time.perf_counter() - begin, reading, processors() - start


def processors() -> float:
    """The seconds of processors that this process and those that it has started have taken."""
    taken = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in taken)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory of other processes is read from /proc")
def test_a_hundred_thousand_records(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "records"
    place.mkdir()
    for records in many_records():
        lines = "".join(f"{record.model_dump_json(by_alias=True)}\n" for record in records)
        (place / file_name(records[0].cell.model.name)).write_bytes(gzip.compress(lines.encode(), 1))

    monkeypatch.setenv("MTRBENCH_CACHE", str(tmp_path / "none"))
    # In a process of its own, whose memory holds nothing else.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        boards, whole, reading, making = pool.submit(from_files_to_boards, place).result()

    monkeypatch.setenv("MTRBENCH_CACHE", str(tmp_path / "cache"))
    first = cost_of("leaderboard", "--records", place, "--out", tmp_path / "first")
    again = benchmark.pedantic(lambda: cost_of("leaderboard", "--records", place, "--out", tmp_path / "again"))
    with capsys.disabled():
        print(f"\n{RECORDS} records to {boards} boards, read by {WORKERS} processes: {whole:.0f} s,")
        print(f"{reading:.0f} of processors for reading and {making:.0f} for boards.")
        for name, cost in (("First", first), ("Again", again)):
            print(f"{name} the command: {cost.wall:.0f} s, {cost.processor:.0f} of processors, {cost.megabytes:.0f} MB")
    assert boards > 100
    assert making < TIMES_READING * reading
    assert max(first.megabytes, again.megabytes) < MEGABYTES
    assert again.processor < SHARE_AGAIN * first.processor
    assert files(tmp_path / "again") == files(tmp_path / "first")
    for folder in tmp_path.iterdir():  # two gigabytes, which would be left for later sessions
        shutil.rmtree(folder)

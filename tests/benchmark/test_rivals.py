"""Several runs into one folder share the work, and kill -9 at any moment costs what was in hand and nothing else."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.work import Points, ToyWorkshop, toy_cell

from mtrbench.benchmark import evaluation
from mtrbench.benchmark.engines.serial import Serial
from mtrbench.benchmark.evaluation import do_jobs, evaluate_cells, pending, with_clean
from mtrbench.benchmark.protocol import files
from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.protocol.files import claimed, sweep, write_atomically
from mtrbench.benchmark.protocol.types import Batch, Dataset
from mtrbench.benchmark.store import Store

CELLS = with_clean([toy_cell("total-fgsm"), toy_cell("signsum-fgsm")])
JOBS = 12  # three stretches of 70 images; the clean pass, its control and two attacks
MOMENTS = int(os.environ.get("MTRBENCH_MOMENTS", "4"))

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="its rivals are forks of this process")


@dataclass(frozen=True)
class Watched(Points):
    """Points that take `pause` seconds to read, and note in `log` who does."""

    key: str
    log: Path
    pause: float

    def batch(self, indices: Sequence[int]) -> Batch:
        with self.log.open("a") as file:
            file.write(f"{os.getpid()} {self.key} {indices[0]}\n")
        time.sleep(self.pause)
        return super().batch(indices)


@dataclass(frozen=True)
class Watching(ToyWorkshop):
    pause: float = 0.0

    def dataset(self, cell: Cell) -> Dataset:
        return Watched(cell.dataset.images, cell.key, self.log, self.pause)

    @property
    def begun(self) -> dict[str, list[int]]:
        """The processes that have begun each job, in their order."""
        found: dict[str, list[int]] = {}
        for line in self.log.read_text().splitlines():
            process, _, job = line.partition(" ")
            found.setdefault(job, []).append(int(process))
        return found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def toys(tmp_path: Path) -> Watching:
    return Watching(tmp_path / "log")


def run(workshop: ToyWorkshop, store: Store) -> None:
    store.sweep()
    for _ in evaluate_cells(CELLS, workshop, store, Serial(), pending(CELLS, workshop, store)):
        pass


def start(workshop: ToyWorkshop, store: Store) -> BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=_silent_run, args=(workshop, store))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork.*")
        process.start()
    return process


def _silent_run(workshop: ToyWorkshop, store: Store) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # where a run says that it waits for another
    run(workshop, store)


def content(store: Store, workshop: ToyWorkshop) -> list[Any]:
    """What a store says of `CELLS`, but for time and memory."""
    records = [store.record(cell) for cell in CELLS]
    assert None not in records
    parts = [store.shard(job.cell, job.span) for job in pending(CELLS, workshop, Store(Path("none")))]
    return [
        *(record.model_dump(exclude={"costs": {"seconds", "peak_memory_mb"}}) for record in records if record),
        *((part.ids, part.forwards, part.backwards, part.tally) for part in parts),
        *({name: value.tobytes() for name, value in {**part.statistics, **part.losses}.items()} for part in parts),
    ]


def names(store: Store) -> list[str]:
    return sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file())


def make_old(folder: Path) -> None:
    for path in folder.rglob(".*"):
        os.utime(path, (0, 0))


@needs_fork
class TestKills:
    def test_two_runs_share_the_jobs(self, store: Store, tmp_path: Path) -> None:
        toys = Watching(tmp_path / "log", pause=0.02)
        rivals = [start(toys, store) for _ in range(2)]
        for rival in rivals:
            rival.join()
        assert [rival.exitcode for rival in rivals] == [0, 0]
        assert len(toys.begun) == JOBS
        assert all(len(by) == 1 for by in toys.begun.values())
        assert {by for (by,) in toys.begun.values()} == {rival.pid for rival in rivals}

    def test_killed_at_any_moment_the_store_is_whole_and_nothing_is_done_twice(self, tmp_path: Path) -> None:
        whole, chance = Store(tmp_path / "whole"), random.Random(0)  # noqa: S311
        run(Watching(tmp_path / "log"), whole)
        expected = content(whole, Watching(tmp_path / "log"))
        for moment in range(MOMENTS):
            place = tmp_path / str(moment)
            toys, store = Watching(place.with_suffix(".log"), pause=0.01), Store(place)
            rivals = [start(toys, store) for _ in range(2)]
            killed = []
            for _ in range(2):
                time.sleep(chance.uniform(0, 0.15))
                victim = rivals.pop(chance.randrange(2))
                victim.kill()
                victim.join()
                killed.append(victim.pid)
                rivals.append(start(toys, store))
            for rival in rivals:
                rival.join()
                assert rival.exitcode == 0
            assert content(store, toys) == expected
            # Only what a process had in hand when it was killed is begun again.
            assert len(toys.begun) == JOBS
            assert all(before in killed for by in toys.begun.values() for before, _ in pairwise(by))
            make_old(store.root)
            run(toys, store)
            assert names(store) == names(whole)


class TestWaiting:
    def test_for_what_another_run_does(self, toys: Watching, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        first, *others = pending(CELLS, toys, store)
        found = []

        def meanwhile(seconds: float) -> None:
            """The other run gets done."""
            found.append([job for job in (first, *others) if not store.has_shard(job.cell, job.span)])
            claim.__exit__(None, None, None)

        monkeypatch.setattr(evaluation, "time", SimpleNamespace(sleep=meanwhile))
        claim = store.alone_with_shard(first.cell, first.span)
        assert claim.__enter__()
        came = [(job, outcome.state) for job, outcome in do_jobs(toys, store, Serial(), [first, *others])]
        assert found == [[first]]
        assert came == [(job, "measured") for job in (*others, first)]


class TestClaims:
    def test_are_exclusive_and_leave_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b"
        with claimed(path) as mine, claimed(path) as theirs:
            assert (mine, theirs) == (True, False)
        with claimed(path) as again:
            assert again
        assert not any(tmp_path.iterdir())

    def test_leave_what_was_written_under_them(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b"
        with claimed(path):
            write_atomically(path, b"content")
        assert [*path.parent.iterdir()] == [path]

    def test_are_given_where_the_file_system_knows_no_locks(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def acquire(*_: object, **__: object) -> None:
            raise OSError(files.errno.ENOLCK, "No locks available")

        monkeypatch.setattr("mtrbench.benchmark.protocol.files.FileLock.acquire", acquire)
        with claimed(tmp_path / "a") as one, claimed(tmp_path / "a") as other:
            assert one
            assert other


class TestSweeping:
    @pytest.fixture
    def left(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The folder of a file, with what a process killed at work on it leaves, and files that are somebody else's."""
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", lambda *_: None)  # as far as a process comes that is killed before
            write_atomically(tmp_path / "a.json", b"half")
        for name in (".a.json.claim", ".hidden", ".b.partial", "c.abcdefgh.partial", ".git.original"):
            (tmp_path / name).touch()
        return tmp_path

    def names(self, folder: Path) -> Iterator[str]:
        return (path.name for path in sorted(folder.iterdir()))

    def test_takes_what_is_old_and_nobodys(self, left: Path) -> None:
        before = [*self.names(left)]
        assert len(before) == 6
        sweep(left)
        assert [*self.names(left)] == before
        make_old(left)
        sweep(left)
        assert [*self.names(left)] == [".b.partial", ".git.original", ".hidden", "c.abcdefgh.partial"]

    def test_leaves_claims_that_are_held(self, tmp_path: Path) -> None:
        with claimed(tmp_path / "a"):
            make_old(tmp_path)
            sweep(tmp_path)
            with claimed(tmp_path / "a") as theirs:
                assert not theirs

    def test_of_what_is_not_there_does_nothing(self, tmp_path: Path) -> None:
        sweep(tmp_path / "none")

"""Engines do every job once, stop at the first that fails, and keep what was done."""

from __future__ import annotations

import multiprocessing
import threading
from contextlib import closing
from pathlib import Path

import pytest
import torch
from helpers.work import Scribe

from mtrbench import BadInputError
from mtrbench.benchmark.engines import ENGINES, Wanted, make_engine
from mtrbench.benchmark.engines.base import Engine
from mtrbench.benchmark.engines.processes import Processes
from mtrbench.benchmark.engines.serial import Serial


def done(folder: Path) -> set[int]:
    return {int(path.name) for path in folder.iterdir()}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return make_engine(request.param, Wanted(1 if request.param == "serial" else 2))


class TestEveryEngine:
    def test_does_and_names_every_job_once(self, engine: Engine, tmp_path: Path) -> None:
        assert sorted(engine.run(Scribe(tmp_path), range(5))) == [(job, None) for job in range(5)]
        assert done(tmp_path) == {0, 1, 2, 3, 4}

    def test_failing_job_raises_and_what_was_done_is_kept(self, engine: Engine, tmp_path: Path) -> None:
        # The jobs after the bad one would sleep for minutes: they must not be waited for.
        with pytest.raises(BadInputError, match="job 1 is bad"):
            list(engine.run(Scribe(tmp_path, bad=1), range(40)))
        assert done(tmp_path) == {0}
        assert not multiprocessing.active_children()

    def test_stops_when_closed(self, engine: Engine, tmp_path: Path) -> None:
        with closing(engine.run(Scribe(tmp_path, bad=1), [0, 3, 4])) as jobs:
            assert next(jobs) == (0, None)
        assert done(tmp_path) == {0}
        assert not multiprocessing.active_children()

    def test_nothing_to_do_is_nothing_done(self, engine: Engine, tmp_path: Path) -> None:
        assert list(engine.run(Scribe(tmp_path), [])) == []


def test_without_a_name_the_engine_follows_from_the_number_of_workers() -> None:
    assert (make_engine(None, Wanted(1)), make_engine(None, Wanted(3))) == (Serial(), Processes(3))
    with pytest.raises(BadInputError, match="serial has one worker, not 3"):
        make_engine("serial", Wanted(3))


def test_serial_gives_the_threads_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seen = [threads for _, threads in Serial().run(lambda job: torch.get_num_threads(), [1])]
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)


def test_processes_leave_other_children_alone(tmp_path: Path) -> None:
    mine = multiprocessing.get_context("spawn").Process(target=Scribe(tmp_path, bad=0), args=(1,))
    mine.start()
    try:
        assert list(Processes(1).run(Scribe(tmp_path), [7])) == [(7, None)]
        assert mine.is_alive()
    finally:
        mine.kill()
        mine.join()


def test_processes_run_outside_the_main_thread(tmp_path: Path) -> None:
    thread = threading.Thread(target=lambda: list(Processes(1).run(Scribe(tmp_path), [7])))
    thread.start()
    thread.join(60)
    assert done(tmp_path) == {7}


class Exits:
    def __call__(self, job: int) -> None:
        raise SystemExit(0)


def test_dead_worker_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(BadInputError, match="--workers"):
        list(Processes(1).run(Exits(), [1]))

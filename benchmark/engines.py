"""Where jobs run: in this process, or in several on this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Protocol, TypeVar

import torch

from .protocol.errors import BadInputError

J = TypeVar("J")

PATIENCE = 10.0
"""Seconds for a worker to end by itself: signals wait until a solver or a convolution returns."""


class Engine(Protocol):
    """Applies a function to jobs, yielding each job as it gets done, in any order; to be closed if not exhausted."""

    def run(self, function: Callable[[J], None], jobs: Iterable[J]) -> Generator[J, None, None]: ...


@dataclass(frozen=True)
class Serial:
    """One job after the other, here."""

    def run(self, function: Callable[[J], None], jobs: Iterable[J]) -> Generator[J, None, None]:
        threads = torch.get_num_threads()
        _one_thread()
        try:
            for job in jobs:
                function(job)
                yield job
        finally:
            torch.set_num_threads(threads)


@dataclass(frozen=True)
class Processes:
    """Jobs spread over `workers` local processes; what is running when one fails or is interrupted is given up."""

    workers: int

    def run(self, function: Callable[[J], None], jobs: Iterable[J]) -> Generator[J, None, None]:
        context = multiprocessing.get_context("spawn")
        others = set(multiprocessing.active_children())
        with ProcessPoolExecutor(self.workers, context, initializer=_start_worker) as pool:
            with _deaf_to_interrupts():
                futures = {pool.submit(_in_worker, function, job): job for job in jobs}
            finished = False
            try:
                for future in as_completed(futures):
                    future.result()
                    yield futures[future]
                finished = True
            except BrokenProcessPool as error:
                raise BadInputError(
                    "a worker process died (out of memory?); what was done is kept, run again with fewer --workers"
                ) from error
            finally:
                if not finished:
                    # The pool finds itself broken and gives up what is left; leaving its block waits until it has.
                    _end(set(multiprocessing.active_children()) - others)


def _one_thread() -> None:
    """Every job runs on one thread, so that a result does not depend on the number of workers, nor of cores."""
    torch.set_num_threads(1)


def _end(workers: Iterable[BaseProcess]) -> None:
    workers = list(workers)
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join(PATIENCE)
        if worker.is_alive():
            worker.kill()
            worker.join()


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes started here never hear Ctrl-C, which reaches the whole group: the parent decides what it means."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers, and only there does Ctrl-C arrive
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _start_worker() -> None:
    _one_thread()
    # As an exception, so that half-written files are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _in_worker(function: Callable[[J], None], job: J) -> None:
    try:
        function(job)
    except SystemExit:
        os._exit(1)  # the pool would take the exception for a result and wait for this process's next


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # this is a worker
    parent.join()
    os._exit(1)


def default_workers() -> int:
    """As many as there are cores for this process, at most 8."""
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)

"""Jobs in several processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing.process import BaseProcess
from typing import TypeVar

from ..protocol.errors import BadInputError
from .base import AHEAD, settle_process

J = TypeVar("J")
R = TypeVar("R")

PATIENCE = 10.0
"""Seconds for a worker to end by itself: signals wait until a solver or a convolution returns."""


@dataclass(frozen=True)
class Processes:
    """Jobs spread over `workers` local processes; what is running when one fails or is interrupted is given up."""

    workers: int

    def run(self, function: Callable[[J], R], jobs: Iterable[J]) -> Generator[tuple[J, R], None, None]:
        context = multiprocessing.get_context("spawn")
        others = set(multiprocessing.active_children())
        with ProcessPoolExecutor(self.workers, context, initializer=_start_worker) as pool:
            finished, waiting = False, iter(jobs)
            futures: dict[Future[R], J] = {}
            try:
                while True:
                    with _deaf_to_interrupts():
                        for job in islice(waiting, AHEAD * self.workers - len(futures)):
                            futures[pool.submit(_in_worker, function, job)] = job
                    if not futures:
                        break
                    for future in wait(futures, return_when=FIRST_COMPLETED).done:
                        yield futures.pop(future), future.result()
                finished = True
            except BrokenProcessPool as error:
                raise BadInputError(
                    "a worker process died (out of memory?); what was done is kept, run again with fewer --workers"
                ) from error
            finally:
                if not finished:
                    # The pool finds itself broken and gives up what is left; leaving its block waits until it has.
                    _end(set(multiprocessing.active_children()) - others)


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
    settle_process()
    # As an exception, so that half-written files are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _in_worker(function: Callable[[J], R], job: J) -> R:
    try:
        return function(job)
    except SystemExit:
        os._exit(1)  # the pool would take the exception for a result and wait for this process's next


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # this is a worker
    parent.join()
    os._exit(1)

"""What an engine is, and what every engine does for a job."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Protocol, TypeVar

import torch

J = TypeVar("J")
R = TypeVar("R")


class Engine(Protocol):
    """Applies a function to jobs, yielding each job as it gets done with what came of it, in any order.

    It asks for the next job when it has room for one, and is to be closed if not exhausted.
    """

    def run(self, function: Callable[[J], R], jobs: Iterable[J]) -> Generator[tuple[J, R], None, None]: ...


def one_thread() -> None:
    """Every job runs on one thread, so that a result does not depend on the number of workers, nor of cores."""
    torch.set_num_threads(1)

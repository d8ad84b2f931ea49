"""What an engine is, and what every engine does for a job."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Protocol, TypeVar

import torch

J = TypeVar("J")


class Engine(Protocol):
    """Applies a function to jobs, yielding each job as it gets done, in any order; to be closed if not exhausted."""

    def run(self, function: Callable[[J], None], jobs: Iterable[J]) -> Generator[J, None, None]: ...


def one_thread() -> None:
    """Every job runs on one thread, so that a result does not depend on the number of workers, nor of cores."""
    torch.set_num_threads(1)

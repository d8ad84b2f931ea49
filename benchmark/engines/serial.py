"""Jobs one after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import TypeVar

import torch

from .base import one_thread

J = TypeVar("J")


@dataclass(frozen=True)
class Serial:
    """One job after the other, here."""

    def run(self, function: Callable[[J], None], jobs: Iterable[J]) -> Generator[J, None, None]:
        threads = torch.get_num_threads()
        one_thread()
        try:
            for job in jobs:
                function(job)
                yield job
        finally:
            torch.set_num_threads(threads)

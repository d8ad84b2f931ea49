"""Jobs one after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import TypeVar

import torch

from ..memory import keep_freed_memory
from .base import settle_process

J = TypeVar("J")
R = TypeVar("R")


@dataclass(frozen=True)
class Serial:
    """One job after the other, here."""

    def run(self, function: Callable[[J], R], jobs: Iterable[J]) -> Generator[tuple[J, R], None, None]:
        threads, kept = torch.get_num_threads(), settle_process()
        try:
            for job in jobs:
                yield job, function(job)
        finally:
            torch.set_num_threads(threads)
            keep_freed_memory(kept)

"""Any engine, with an account of what its jobs spend their time on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ..protocol.stopwatch import stopped
from .base import Engine

J = TypeVar("J")
R = TypeVar("R")


@dataclass(frozen=True)
class Profiled:
    """What `engine` does; `seconds` gets what all jobs together took, by part of the work."""

    engine: Engine
    seconds: dict[str, float]

    def run(self, function: Callable[[J], R], jobs: Iterable[J]) -> Generator[tuple[J, R], None, None]:
        with closing(self.engine.run(partial(_timed, function), jobs)) as done:
            for job, (found, seconds) in done:
                for part, spent in seconds.items():
                    self.seconds[part] = self.seconds.get(part, 0.0) + spent
                yield job, found


def _timed(function: Callable[[J], R], job: J) -> tuple[R, dict[str, float]]:
    with stopped() as seconds:
        found = function(job)
    return found, seconds

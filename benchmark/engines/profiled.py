"""Any engine, with an account of what its jobs spend their time on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ..protocol.stopwatch import stopped
from .base import Engine, Held, Remote

T = TypeVar("T")
J = TypeVar("J")
R = TypeVar("R")


@dataclass(frozen=True)
class Profiled:
    """See `profiled`."""

    engine: Engine
    seconds: dict[str, float]

    def run(self, function: Callable[[J], R], jobs: Iterable[J]) -> Generator[tuple[J, R], None, None]:
        with closing(self.engine.run(partial(_timed, function), jobs)) as done:
            for job, (found, seconds) in done:
                for part, spent in seconds.items():
                    self.seconds[part] = self.seconds.get(part, 0.0) + spent
                yield job, found


@dataclass(frozen=True)
class ProfiledRemote(Profiled):
    """The same of an engine with workers elsewhere."""

    engine: Remote

    @property
    def device(self) -> str:
        return self.engine.device

    def connected(self) -> AbstractContextManager[None]:
        return self.engine.connected()

    def hold(self, thing: T, what: str) -> Held[T]:
        return self.engine.hold(thing, what)


def profiled(engine: Engine, seconds: dict[str, float]) -> Engine:
    """What `engine` does; `seconds` gets what all jobs together took, by part of the work."""
    return ProfiledRemote(engine, seconds) if isinstance(engine, Remote) else Profiled(engine, seconds)


def _timed(function: Callable[[J], R], job: J) -> tuple[R, dict[str, float]]:
    with stopped() as seconds:
        found = function(job)
    return found, seconds

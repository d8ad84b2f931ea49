"""What an engine is, and what every engine does for a job."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import torch

from ..memory import keep_freed_memory
from ..protocol.errors import BadInputError

J = TypeVar("J")
R = TypeVar("R")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

AHEAD = 2
"""Jobs per worker that are handed out before one is done."""


class Engine(Protocol):
    """Applies a function to jobs, yielding each job as it gets done with what came of it, in any order.

    It asks for the next job when it has room for one, and is to be closed if not exhausted.
    """

    def run(self, function: Callable[[J], R], jobs: Iterable[J]) -> Generator[tuple[J, R], None, None]: ...


def reach(engine: Engine) -> AbstractContextManager[None]:
    """Keeps the machines of an engine in reach for several runs."""
    return engine.connected() if isinstance(engine, Remote) else nullcontext()


class Held(Protocol[T_co]):
    """A thing that every worker of an engine can have, and that travels to each at most once."""

    def __hash__(self) -> int: ...

    def get(self) -> T_co:
        """The thing itself, on any machine; arrays of it may be read-only."""
        ...


@runtime_checkable
class Remote(Engine, Protocol):
    """An engine whose workers may be on other machines, without this one's files: what a job needs goes along."""

    @property
    def device(self) -> str:
        """What the workers compute on, of their machines."""
        ...

    def connected(self) -> AbstractContextManager[None]:
        """Keeps the workers' machines in reach, for what is held and for several runs; may be nested."""
        ...

    def hold(self, thing: T, what: str) -> Held[T]:
        """Makes a thing available to the workers of a connected engine.

        Raises BadInputError, which calls it `what`, if it cannot be sent.
        """
        ...


@dataclass(frozen=True)
class Wanted:
    """What is asked of an engine; each refuses what it cannot do, and None is for it to decide.

    `cpus` and `gpus` are per worker, `address` is that of a cluster.
    """

    workers: int | None = None
    device: str = "cpu"
    address: str | None = None
    cpus: float | None = None
    gpus: float | None = None

    def check_local(self, engine: str) -> None:
        """Raises BadInputError if something of a cluster is asked of an engine that has none."""
        cluster = {"--address": self.address, "--cpus-per-worker": self.cpus, "--gpus-per-worker": self.gpus}
        for option, value in cluster.items():
            if value is not None:
                raise BadInputError(f"{option} {value} is for --engine ray, not {engine}")


def settle_process() -> bool:
    """Get this process ready for jobs; whether it kept freed memory before.

    Each runs on one thread, so that a result does not depend on the number of workers, nor of cores.
    """
    torch.set_num_threads(1)
    return keep_freed_memory()

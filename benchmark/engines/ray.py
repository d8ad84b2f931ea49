"""Jobs on a Ray cluster: an existing one, or one that is started here for as long as it is needed."""

from __future__ import annotations

import math
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from ..protocol.errors import BadInputError
from ..protocol.notices import notice
from .base import AHEAD, Wanted, settle_process

J = TypeVar("J")
R = TypeVar("R")
T = TypeVar("T")

Actor = Any
"""A worker's handle: Ray makes its methods as they are asked for."""
TRIES = 3
"""Workers that may die at one job, or before their first, until the run is given up."""
SILENCE = 30.0
"""Seconds without any worker after which the user is told."""


@dataclass(frozen=True)
class Stored(Generic[T]):
    """A thing in the cluster's object store: sent to each machine once, and kept in memory that its workers share."""

    reference: ray.ObjectRef[T]

    def get(self) -> T:
        found: T = ray.get(self.reference)
        return found


@dataclass(frozen=True)
class Ray:
    """Jobs spread over workers of a Ray cluster, the one at `address`, or for None one of this machine alone.

    `workers` None is as many as the cluster's machines have room for, with `cpus` and `gpus` for each. The job of a
    worker that dies, or whose machine does, is done by another one; where there is room, a new worker takes its place.
    A process that is connected to a cluster already stays with that one.
    """

    workers: int | None
    address: str | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    device: str = "cpu"

    @contextmanager
    def connected(self) -> Iterator[None]:
        if ray.is_initialized():
            yield
            return
        with _own_signals():
            self._connect()
        try:
            yield
        finally:
            ray.shutdown()

    def hold(self, thing: T, what: str) -> Stored[T]:
        try:
            return Stored(ray.put(thing))
        except Exception as error:  # whatever pickling it raises
            reason = str(error).strip().partition("\n")[0]
            raise BadInputError(f"{what} cannot be sent to workers: {type(error).__name__}: {reason}") from error

    def run(self, function: Callable[[J], R], jobs: Iterable[J]) -> Generator[tuple[J, R], None, None]:
        with self.connected():
            held = self.hold(function, "what is to be done").reference
            make: Any = ray.remote(num_cpus=self.cpus, num_gpus=self.gpus)(Worker)
            room = self._room()
            crew = _Crew[J, R](lambda: make.remote(held), self.workers or room)
            try:
                yield from crew.work(iter(jobs))
            finally:
                crew.dismiss()

    def _connect(self) -> None:
        # What a worker prints stays in Ray's logs: standard output is for results.
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if self.address is not None:
            try:
                ray.init(self.address, **quiet)
            except (ConnectionError, ValueError, RuntimeError) as error:
                reason = str(error).strip().partition("\n")[0]
                raise BadInputError(
                    f"no Ray cluster at {self.address} ({reason}); see ray start --head, or leave out --address"
                ) from error
            return
        # Nothing is reported to anybody, and workers are no less urgent than any other process of ours.
        for name in ("RAY_USAGE_STATS_ENABLED", "RAY_worker_niceness"):
            os.environ.setdefault(name, "0")
        cpus = math.ceil((self.workers or 1) * self.cpus)
        ray.init("local", num_cpus=max(1, cpus), include_dashboard=False, **quiet)

    def _room(self) -> int:
        """How many workers the cluster's machines have room for; raises BadInputError if none."""
        found = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        needs = {"CPU": self.cpus, "GPU": self.gpus}
        room = sum(
            min(int(has.get(kind, 0) / need + 1e-9) for kind, need in needs.items() if need > 0) for has in found
        )
        if room:
            return room
        have = "; ".join(f"{has.get('CPU', 0):g} CPUs and {has.get('GPU', 0):g} GPUs" for has in found)
        raise BadInputError(
            f"a worker needs {self.cpus:g} CPUs and {self.gpus:g} GPUs, and the cluster's machines have {have}; "
            "see --cpus-per-worker and --gpus-per-worker"
        )


def make_ray(wanted: Wanted, here: int) -> Ray:
    """The engine that is asked for, with `here` workers by default where it is of this machine alone."""
    gpus = wanted.gpus or 0.0
    if gpus and wanted.device == "cpu":
        raise BadInputError(f"--gpus-per-worker {gpus:g}: workers compute on the CPU; say --device cuda, too")
    if not gpus and wanted.device != "cpu":
        raise BadInputError(f"--device {wanted.device}: workers on Ray get no GPU without --gpus-per-worker")
    workers = here if wanted.workers is None and wanted.address is None and not gpus else wanted.workers
    return Ray(workers, wanted.address, 1.0 if wanted.cpus is None else wanted.cpus, gpus, wanted.device)


class Worker:
    """What lives on a machine of the cluster: the function, which came here once, and one job at a time."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        settle_process()
        self._function = function

    def ready(self) -> None:
        """Answers when the worker has started."""

    def do(self, job: Any) -> Any:
        """What comes of a job."""
        return self._function(job)


@dataclass(frozen=True)
class _Task(Generic[J]):
    number: int
    job: J


@dataclass
class _Crew(Generic[J, R]):
    """Workers that `hire` gives, at most `size`, and who is doing what."""

    hire: Callable[[], Actor]
    size: int
    starting: dict[ray.ObjectRef[Any], Actor] = field(default_factory=dict)
    team: list[Actor] = field(default_factory=list)
    doing: dict[ray.ObjectRef[Any], tuple[Actor, _Task[J]]] = field(default_factory=dict)
    queue: deque[_Task[J]] = field(default_factory=deque)
    deaths: Counter[int] = field(default_factory=Counter)
    lost_at_start: int = 0

    def work(self, jobs: Iterator[J]) -> Generator[tuple[J, R], None, None]:
        """Do all jobs, each until it is done once."""
        tasks = (_Task(number, job) for number, job in enumerate(jobs))
        while True:
            self._fill(tasks)
            if not self.doing and not self.queue:
                return
            failures = []
            for reference in self._done():
                try:
                    found = ray.get(reference)
                except RayError as error:
                    failures.append((reference, error))
                    continue
                if reference in self.starting:
                    self.team.append(self.starting.pop(reference))
                    self.lost_at_start = 0
                else:
                    yield self.doing.pop(reference)[1].job, found
            # After what was done, so that nothing of it is lost with what fails.
            for reference, failure in failures:
                self._fail(reference, failure)

    def dismiss(self) -> None:
        """End all workers, whatever they are doing."""
        for actor in (*self.team, *self.starting.values()):
            ray.kill(actor)

    def _fill(self, tasks: Iterator[_Task[J]]) -> None:
        """Hand out what there is room for, the first job to everybody before the second to anybody."""
        room = AHEAD * self.size if self.team else self.size
        while len(self.queue) + len(self.doing) < room and (task := next(tasks, None)) is not None:
            self.queue.append(task)
        load = Counter(actor for actor, _ in self.doing.values())
        for depth in range(1, AHEAD + 1):
            for actor in self.team:
                if self.queue and load[actor] < depth:
                    task = self.queue.popleft()
                    self.doing[actor.do.remote(task.job)] = actor, task
                    load[actor] += 1
        while len(self.team) + len(self.starting) < min(self.size, len(self.queue) + len(self.doing)):
            actor = self.hire()
            self.starting[actor.ready.remote()] = actor

    def _done(self) -> list[ray.ObjectRef[Any]]:
        """What has come to an end, at least one thing."""
        waiting = [*self.starting, *self.doing]
        while not (found := ray.wait(waiting, timeout=None if self.team else SILENCE)[0]):
            notice("no worker could start yet; the cluster may be busy, and Ctrl-C ends the wait")
        return [*{*found, *ray.wait(waiting, num_returns=len(waiting), timeout=0)[0]}]

    def _fail(self, reference: ray.ObjectRef[Any], error: RayError) -> None:
        """Give the jobs of a worker that is lost to others; raises what the job itself has raised."""
        if isinstance(error, RayTaskError):
            raise error.cause from error
        if reference in self.starting:
            del self.starting[reference]
            self.lost_at_start += 1
            if self.lost_at_start >= TRIES:
                raise BadInputError(f"workers die at their start: {_reason(error)}") from error
            return
        if reference not in self.doing:
            return  # given to others already
        actor = self.doing[reference][0]
        lost = {one: task for one, (by, task) in self.doing.items() if by is actor}
        at = next(iter(lost.values()))  # a worker does its jobs in their order
        self.deaths[at.number] += 1
        if self.deaths[at.number] >= TRIES:
            raise BadInputError(
                f"{TRIES} workers died at one job ({_reason(error)}); what was done is kept, run again with fewer "
                "--workers, more --cpus-per-worker or a smaller --batch"
            ) from error
        for one in lost:
            del self.doing[one]
        self.team.remove(actor)
        ray.kill(actor)  # which may be out of reach alone
        self.queue.extendleft(reversed(lost.values()))


def _reason(error: RayError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


@contextmanager
def _own_signals() -> Iterator[None]:
    """What SIGTERM does stays as it was; Ray would have its own way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

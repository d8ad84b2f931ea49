"""Where the time of a job goes: code deep inside says what part of the work it is about to do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch

FORWARD, BACKWARD, PROGRAMS, ATTACK = "forward", "backward", "integer programs", "rest of the attacks"
MODELS, DATA, SCORING, HARNESS = "models", "data", "scoring", "harness"
PARTS = (FORWARD, BACKWARD, PROGRAMS, ATTACK, MODELS, DATA, SCORING, HARNESS)
"""All parts; the last is what is no other part's."""


@dataclass
class Stopwatch:
    """Seconds by part; every moment counts for one part, the innermost."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    part: str = HARNESS
    since: float = field(default_factory=lambda: time.perf_counter())

    def turn_to(self, part: str) -> str:
        """Count for another part from now on; returns the one before."""
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.synchronize()  # or one part waits for what another has asked for
        now = time.perf_counter()
        self.seconds[self.part] += now - self.since
        self.since, before, self.part = now, self.part, part
        return before


_current: ContextVar[Stopwatch | None] = ContextVar("stopwatch", default=None)


def stopwatch() -> Stopwatch | None:
    """The one of the innermost `stopped` block, if there is one."""
    return _current.get()


@contextmanager
def stopped() -> Iterator[dict[str, float]]:
    """Seconds by part of the code inside, which are there at its end."""
    watch = Stopwatch()
    token = _current.set(watch)
    try:
        yield watch.seconds
    finally:
        _current.reset(token)
        watch.turn_to(HARNESS)


@contextmanager
def part(name: str) -> Iterator[None]:
    """The code inside is work of this part; outside of a `stopped` block, this does nothing."""
    watch = stopwatch()
    if watch is None:
        yield
        return
    before = watch.turn_to(name)
    try:
        yield
    finally:
        watch.turn_to(before)

"""Where jobs run: an engine is one file here, and one line of `ENGINES`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..protocol.errors import BadInputError
from .base import Engine
from .processes import Processes
from .serial import Serial

__all__ = ["ENGINES", "Engine", "Processes", "Serial", "default_workers", "make_engine"]


def _serial(workers: int) -> Serial:
    if workers > 1:
        raise BadInputError(f"the engine serial has one worker, not {workers}; leave out --engine, or use processes")
    return Serial()


ENGINES: Mapping[str, Callable[[int], Engine]] = MappingProxyType({"serial": _serial, "processes": Processes})
"""By name, what makes an engine of so many workers."""


def make_engine(name: str | None, workers: int) -> Engine:
    """The engine called `name`; None is `serial` for one worker and `processes` for more."""
    return ENGINES[name or ("serial" if workers == 1 else "processes")](workers)


def default_workers() -> int:
    """As many as there are cores for this process, at most 8."""
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)

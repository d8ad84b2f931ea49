"""How much memory a process has needed, on every platform, and how much it may have, on Linux."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from .protocol.errors import BadInputError


def peak_memory_mb() -> float:
    """The most memory that this process has had in use so far, in MiB.

    Raises BadInputError where neither the standard module `resource`, which Windows lacks, nor psutil is there.
    """
    try:
        resource = import_module("resource")
    except ImportError:
        return _by_psutil()
    unit = 1 if sys.platform == "darwin" else 2**10
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit / 2**20


def _by_psutil() -> float:
    try:
        psutil = import_module("psutil")
    except ImportError as error:
        raise BadInputError(
            "a run's peak memory is read by psutil where Python has no module resource; pip install psutil"
        ) from error
    found = psutil.Process().memory_info()
    return float(getattr(found, "peak_wset", found.rss)) / 2**20  # Windows alone keeps the peak


@contextmanager
def bounded_memory(more_mb: int | None) -> Iterator[None]:
    """Inside, this process gets at most so many MiB beside what it has; where the system is not Linux, any amount."""
    taken = Path("/proc/self/statm")
    if more_mb is None or not taken.exists():
        yield
        return
    resource = import_module("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = int(taken.read_text().split()[0]) * resource.getpagesize() + more_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)

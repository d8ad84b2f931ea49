"""How much memory a process has needed, on every platform; how much it may have, and what it keeps, on Linux."""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from .protocol.errors import BadInputError

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""What glibc's `mallopt` calls the free memory at its heap's end, and a single piece, that it gives back at once."""


_keeps = [False]


def keep_freed_memory(keep: bool = True) -> bool:
    """Let this process use again what it frees, or give it back to the system, as most do; what it did before.

    Passes want pieces of megabytes, and the system hands out each of their pages filled with zeros: up to an eighth of
    the time of an attack on 64 x 64 pixels. Without glibc this changes nothing.
    """
    before, _keeps[0] = _keeps[0], keep
    if before == keep or platform.libc_ver()[0] != "glibc":
        return before
    library = ctypes.CDLL(None)
    library.mallopt(MMAP_THRESHOLD, 2**30 if keep else 2**25)
    library.mallopt(TRIM_THRESHOLD, 2**31 - 1 if keep else 2**26)
    if not keep:
        library.malloc_trim(0)
    return before


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
    keep_freed_memory(False)  # it would come on top
    resource = import_module("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = int(taken.read_text().split()[0]) * resource.getpagesize() + more_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)

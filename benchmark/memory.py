"""How much memory a process has needed, on every platform."""

from __future__ import annotations

import sys
from importlib import import_module

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

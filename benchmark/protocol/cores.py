"""How many processes a machine has room for."""

from __future__ import annotations

import os

MOST = 8


def default_processes() -> int:
    """As many as there are cores for this process, at most MOST."""
    return min(MOST, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)

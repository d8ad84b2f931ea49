"""Lines for the user about what is no error: a plug-in that was left out, a version that nobody gave."""

from __future__ import annotations

import logging
import multiprocessing
from functools import cache

from .plain import one_line

LOGGER = logging.getLogger("mtrbench")
"""What listens to it hears them; where nothing does, Python prints them to stderr."""


@cache
def notice(text: str) -> None:
    """Say `text`, one line, once per run: worker processes, which meet the same things, are silent."""
    if multiprocessing.parent_process() is None:
        LOGGER.warning("mtrbench: %s", one_line(text))

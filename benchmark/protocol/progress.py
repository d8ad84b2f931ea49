"""Bars for people who watch, and now and then a line for logs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any, TextIO

from tqdm import tqdm

PERIOD = 60.0
"""Seconds between two lines of a log; what takes less has none."""


def progress(iterable: Iterable[Any] | None = None, title: str | None = None, **options: Any) -> tqdm[Any]:
    """A bar of tqdm on stderr, or lines where that is neither a terminal nor a notebook."""
    if sys.stderr.isatty() or "ipykernel" in sys.modules:
        return tqdm(iterable, title, **options)
    log = {"file": _Log(sys.stderr), "mininterval": PERIOD, "maxinterval": PERIOD, "delay": PERIOD, "ncols": 80}
    return _Lines(iterable, title, **{**options, **log})


class _Lines(tqdm):  # type: ignore[type-arg]  # no generic class when it runs
    def refresh(self, *given: Any, **options: Any) -> None:
        """Show how far it is, if that is due."""
        if not self.disable and time.time() - self.start_t >= PERIOD:
            super().refresh(*given, **options)


class _Log:
    """A stream in which what a bar draws over the one before is a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        if line := text.strip():
            self._stream.write(f"{line}\n")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

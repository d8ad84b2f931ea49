"""A process for code from outside: it answers with bytes, within limits, and however it ends is one line."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import torch

from .protocol.errors import AttackError, BadInputError, CellError, told

PATIENCE = 5.0
"""Seconds for the process to end by itself when its work is done."""
LARGEST_ANSWER = 2**20
"""Bytes of an answer without images."""


@dataclass(frozen=True)
class Limits:
    """What code from outside may take: seconds for 32 images, and MiB beside what there is already."""

    seconds: float = 3600.0
    memory_mb: int | None = None


def forks(device: torch.device) -> bool:
    """Whether such a process begins as a copy of this one, which takes no time, and any object along."""
    # A GPU does not survive it, and on macOS neither do the system's libraries.
    return sys.platform.startswith("linux") and device.type == "cpu"


class Child:
    """A process that runs `target(connection, *given)`; `title` begins what `fault` says where that fails."""

    def __init__(
        self,
        target: Callable[..., None],
        given: tuple[object, ...],
        title: str,
        limits: Limits,
        *,
        forked: bool,
        fault: type[CellError] = AttackError,
    ) -> None:
        self._title, self._limits, self._left, self._fault = title, limits, limits.seconds, fault
        self._connection, theirs = multiprocessing.Pipe()
        context: Any = multiprocessing.get_context("fork" if forked else "spawn")
        ours = self._connection if forked else None  # a copy of which it would hold open
        self._process = context.Process(target=_begin, args=(ours, theirs, target, given))
        with warnings.catch_warnings():
            # Jobs run on one thread, and the child asks for no lock that another thread may have held.
            warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork.*")
            self._process.start()
        theirs.close()

    def say(self, content: bytes) -> None:
        """Send bytes; if it is dead, the next `answer` says so."""
        with suppress(OSError):
            self._connection.send_bytes(content)

    def answer(self) -> dict[str, Any]:
        """What it says, as JSON; raises `fault` for anything else, and the error that it tells of."""
        content = self.received(LARGEST_ANSWER)
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self.nonsense()
        if "fault" in found:
            kind = self._fault if found.get("own", True) else BadInputError
            raise kind(" ".join(str(found["fault"]).split()))
        return found

    def received(self, largest: int) -> bytes:
        """The bytes that it sends next; raises `fault` if there come none, or more than `largest`."""
        start = time.monotonic()
        try:
            with self._killed_after(self._left) as late:
                return self._connection.recv_bytes(largest)
        except (EOFError, OSError) as error:
            raise self._fault(f"{self._title}: {self._end_in_words(late.is_set())}") from error
        finally:
            self._left -= time.monotonic() - start

    def nonsense(self) -> CellError:
        """The error for an answer that is none."""
        return self._fault(f"{self._title}: {self._fault.subject}'s process answered something that is no answer")

    def end(self) -> None:
        """Wait for it to end, if it still has time, and end it with all that it has started."""
        with suppress(OSError):
            self._connection.close()  # at which an honest one ends
        with self._killed_after(min(self._left, PATIENCE)):
            self._process.join()
        self._kill()
        self._process.close()

    def _kill(self) -> None:
        with suppress(OSError, AttributeError):  # it has not come to have a group yet, or the system knows none
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(OSError):
            self._process.kill()

    @contextmanager
    def _killed_after(self, seconds: float) -> Iterator[threading.Event]:
        """Kill it, and set the event, if what is inside takes longer: `join`'s own limit waits on what it may close."""
        late = threading.Event()

        def kill() -> None:
            late.set()
            self._kill()

        clock = threading.Timer(max(0.0, seconds), kill)
        clock.start()
        try:
            yield late
        finally:
            clock.cancel()
            clock.join()

    def _end_in_words(self, late: bool) -> str:
        subject = self._fault.subject
        if late:
            return f"{subject} gave no answer within {self._limits.seconds:g} s; allow it more by --limit-seconds"
        with self._killed_after(PATIENCE) as stayed:
            self._process.join()
        if stayed.is_set():
            return f"{subject} closed its connection and gave no answer"
        code: int = self._process.exitcode
        if code < 0:
            name = signal.Signals(-code).name if -code in {*signal.Signals} else f"signal {-code}"
            return f"{subject}'s process was killed by {name}{' (out of memory?)' if name == 'SIGKILL' else ''}"
        return f"{subject} ended its process, with exit code {code}, instead of giving an answer"


def told_apart(
    function: Callable[[], dict[str, Any]], title: str, limits: Limits, fault: type[CellError] = AttackError
) -> dict[str, Any]:
    """What `function` gives, data as JSON has it, run in a process of its own; raises `fault` as `Child` does."""
    child = Child(_tell, (function, title), title, limits, forked=True, fault=fault)
    try:
        return child.answer()
    finally:
        child.end()


def _tell(connection: Connection, function: Callable[[], dict[str, Any]], title: str) -> None:
    try:
        found = function()
    except BadInputError as error:
        found = {"fault": str(error), "own": isinstance(error, CellError)}
    except BaseException as error:
        found = {"fault": f"{title}: {told(error)}"}
    connection.send_bytes(json.dumps(found).encode())


def _begin(ours: Connection | None, theirs: Connection, target: Callable[..., None], given: tuple[object, ...]) -> None:
    """End with the parent, leave its signals to it, and let nothing that is printed come between its lines."""
    if ours is not None:
        ours.close()
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    torch.set_num_threads(1)
    if ours is not None:
        _keep_one_thread()
        gc.freeze()  # to look for garbage among what the parent has would copy all of it
    try:
        target(theirs, *given)
    finally:
        with suppress(Exception):
            sys.stderr.flush()
            theirs.close()
        os._exit(0)  # nothing of the parent's is to be ended twice, whatever the code has registered


def _keep_one_thread() -> None:
    """Take the number of threads that code asks for as said, not as done, until it is told of as any other change.

    A copy of a process has none of the threads that OpenMP had started there, and waits for them without end.
    """
    said = [torch.get_num_threads()]
    torch.set_num_threads = lambda nthreads: said.__setitem__(0, nthreads)
    torch.get_num_threads = lambda: said[0]

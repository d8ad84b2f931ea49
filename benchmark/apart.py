"""An attack in a process of its own: model and batches go in, images come out as plain numbers.

What it does there to PyTorch, to the model or to the process touches nothing that scores. What comes back is read as
bytes and JSON, never as objects, which could bring code along. What this protects against, and what not, is in
SECURITY.md.
"""

from __future__ import annotations

import copy
import json
import multiprocessing
import os
import pickle
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .attackers import Assignment, Here, failure
from .measurement import Effort
from .memory import bounded_memory, peak_memory_mb
from .protocol.errors import AttackError, BadInputError
from .protocol.surroundings import Surroundings
from .protocol.tally import Tally
from .protocol.types import Batch, MultiTaskModel

PATIENCE = 5.0
"""Seconds for the process to end by itself when its work is done."""
Arrays = tuple[Any, dict[str, Any], tuple[str, ...]]
"""A batch without tensors, whose memory processes would share."""


@dataclass(frozen=True)
class Limits:
    """What an attack from outside may take: seconds for 32 images, and MiB beside what the model and data take."""

    seconds: float = 3600.0
    memory_mb: int | None = None


class Apart:
    """The attack in a process of its own; use as a context, which ends the process."""

    def __init__(self, model: MultiTaskModel, task: Assignment, probe: Tensor, limits: Limits) -> None:
        self._title, self._limits, self._left = task.title, limits, limits.seconds
        self._device = probe.device
        self._connection, theirs = multiprocessing.Pipe()
        forked = self._device.type == "cpu" and "fork" in multiprocessing.get_all_start_methods() and _fork_is_safe()
        context: Any = multiprocessing.get_context("fork" if forked else "spawn")
        given = (model, task, probe) if forked else _packed(model, task, probe, str(self._device))
        self._process = context.Process(
            target=_serve, args=(theirs, self._connection if forked else None, given, limits)
        )
        with _quiet_start():
            self._process.start()
        theirs.close()

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()  # at which an honest one ends
        self._ended_within(PATIENCE if self._left > 0 else 0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def fit(self, split: Sequence[Batch]) -> Effort:
        answer = self._asked("fit", [_arrays(batch) for batch in split])
        return _effort(answer)

    def perturb(self, batch: Batch) -> tuple[object, Effort]:
        answer = self._asked("perturb", _arrays(batch))
        if "found" in answer:
            raise AttackError(
                f"{self._title}: the attack returned {answer['found']}, not {tuple(batch.x.shape)} {batch.x.dtype}"
            )
        shape, dtype = [int(side) for side in answer["shape"]], np.dtype(str(answer["dtype"]))
        content = self._received()
        if dtype.hasobject or len(content) != dtype.itemsize * int(np.prod(shape)):
            raise AttackError(f"{self._title}: the attack's process returned no images")
        x = torch.from_numpy(np.frombuffer(content, dtype).reshape(shape).copy())
        return x.to(self._device), _effort(answer)

    def finish(self) -> None:
        self._asked("finish", None)

    def _asked(self, what: str, given: object) -> dict[str, Any]:
        with suppress(OSError):  # it is dead; of what, is said below
            self._connection.send_bytes(pickle.dumps((what, given)))
        content = self._received()
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise AttackError(f"{self._title}: the attack's process answered something that is no answer")
        if "fault" in answer:
            kind = AttackError if answer.get("by attack", True) else BadInputError
            raise kind(" ".join(str(answer["fault"]).split()))
        return answer

    def _received(self) -> bytes:
        start = time.monotonic()
        try:
            if not self._connection.poll(max(0.0, self._left)):
                self._left = 0
                self._process.kill()
                raise AttackError(
                    f"{self._title}: the attack gave no answer within {self._limits.seconds:g} s; "
                    "allow it more by --limit-seconds"
                )
            content = self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise AttackError(f"{self._title}: {self._death()}") from error
        self._left -= time.monotonic() - start
        return content

    def _ended_within(self, seconds: float) -> int | None:
        """The process's exit code, None if it still runs; `join` waits for ever where it has closed what it watches."""
        end = time.monotonic() + seconds
        while self._process.exitcode is None and time.monotonic() < end:
            time.sleep(0.002)
        code: int | None = self._process.exitcode
        return code

    def _death(self) -> str:
        code = self._ended_within(PATIENCE)
        if code is None:
            self._left = 0
            return "the attack closed its connection and gave no answer"
        if code < 0:
            name = signal.Signals(-code).name if -code in {*signal.Signals} else f"signal {-code}"
            hint = " (out of memory?)" if name == "SIGKILL" else ""
            return f"the attack's process was killed by {name}{hint}"
        return f"the attack ended its process, with exit code {code}, instead of giving an answer"


def _fork_is_safe() -> bool:
    # On macOS, libraries of the system may crash in a process that forked.
    return sys.platform.startswith("linux")


def _arrays(batch: Batch) -> Arrays:
    return batch.x.cpu().numpy(), {name: value.cpu().numpy() for name, value in batch.truth.items()}, batch.ids


def _batch(given: Arrays, device: torch.device) -> Batch:
    x, truth, ids = given
    tensors = {name: torch.from_numpy(value) for name, value in truth.items()}
    return Batch(torch.from_numpy(x), tensors, ids).to(device)


def _effort(answer: dict[str, Any]) -> Effort:
    found = answer["effort"]
    tally = Tally()
    tally.merge(Tally(found["sums"], found["peaks"]))
    return Effort(found["forwards"], found["backwards"], found["seconds"], found["peak_memory_mb"], tally)


def _packed(model: MultiTaskModel, task: Assignment, probe: Tensor, device: str) -> bytes:
    """What a process that shares no memory with this one needs, as bytes."""
    try:
        return pickle.dumps((copy.deepcopy(model).cpu(), task, probe.cpu(), device))
    except Exception as error:
        raise BadInputError(
            f"{task.title}: the attack runs in a process of its own, to which it or the model cannot be sent "
            f"({type(error).__name__}: {error}); define their classes in a module, not in a function"
        ) from error


@contextmanager
def _quiet_start() -> Iterator[None]:
    """The child hears no Ctrl-C, which reaches the whole group, and Python's warning of threads has no cause here."""
    with warnings.catch_warnings():
        # Jobs run on one thread, and the child asks for no lock that another thread may have held.
        warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork.*")
        yield


def _serve(connection: Connection, other_end: Connection | None, given: Any, limits: Limits) -> None:
    """What the process of an attack does until there is nothing more to do."""
    if other_end is not None:
        other_end.close()
    _settle_down()
    torch.set_num_threads(1)
    said = _Answers(connection)
    try:
        model, task, probe, device = _unpacked(given)
        surroundings = Surroundings()
        attacker = Here(model, task, probe, gated=True)
        with bounded_memory(limits.memory_mb), suppress(EOFError):
            while True:
                what, asked = pickle.loads(connection.recv_bytes())  # noqa: S301  from the process that started this
                if what == "finish":
                    attacker.finish()
                    said.done()
                elif what == "fit":
                    effort = attacker.fit([_batch(one, device) for one in asked])
                    _check(surroundings, task.title)
                    said.effort(effort)
                else:
                    x, effort = attacker.perturb(_batch(asked, device))
                    _check(surroundings, task.title)
                    said.images(x, effort)
    except BaseException as error:
        said.fault(
            _told(error, given), by_attack=not isinstance(error, BadInputError) or isinstance(error, AttackError)
        )
        if "--debug" in sys.argv:
            traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stderr.flush()
        connection.close()
        os._exit(0)  # nothing of the parent's is to be ended twice, whatever the attack has registered


def _settle_down() -> None:
    """End with the parent, leave its signals to it, and let nothing that is printed come between its lines."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _unpacked(given: Any) -> tuple[MultiTaskModel, Assignment, Tensor, torch.device]:
    if not isinstance(given, bytes):
        model, task, probe = given
        return model, task, probe, probe.device
    model, task, probe, device = pickle.loads(given)  # noqa: S301  from the process that started this
    return model.to(device), task, probe.to(device), torch.device(device)


def _check(surroundings: Surroundings, title: str) -> None:
    change = surroundings.change()
    if change:
        raise AttackError(f"{title}: the attack changed {change}, which all code of a process shares")


def _told(error: BaseException, given: Any) -> str:
    if isinstance(error, BadInputError):
        return str(error)
    title = "" if isinstance(given, bytes) else f"{given[1].title}: "
    if isinstance(error, SystemExit):
        return f"{title}the attack calls exit({'' if error.code is None else error.code})"
    return f"{title}{failure(error)}"


@dataclass(frozen=True)
class _Answers:
    """What a process says to the one that started it."""

    connection: Connection

    def done(self) -> None:
        self._say({})

    def fault(self, text: str, *, by_attack: bool) -> None:
        with suppress(OSError):  # nobody listens any more
            self._say({"fault": text, "by attack": by_attack})

    def effort(self, effort: Effort) -> None:
        self._say({"effort": _plain(effort)})

    def images(self, x: object, effort: Effort) -> None:
        if not isinstance(x, Tensor):
            self._say({"found": type(x).__name__})
            return
        try:
            array = np.ascontiguousarray(x.detach().cpu().numpy())
        except (TypeError, RuntimeError):  # of a kind that numpy has no numbers for
            self._say({"found": f"{tuple(x.shape)} {x.dtype}"})
            return
        self._say({"shape": x.shape, "dtype": array.dtype.str, "effort": _plain(effort)})
        self.connection.send_bytes(array.tobytes())

    def _say(self, answer: dict[str, Any]) -> None:
        self.connection.send_bytes(json.dumps(answer).encode())


def _plain(effort: Effort) -> dict[str, Any]:
    tally = effort.tally
    return {
        "forwards": effort.forwards,
        "backwards": effort.backwards,
        "seconds": effort.seconds,
        "peak_memory_mb": peak_memory_mb(),
        "sums": dict(tally.sums),
        "peaks": tally.peaks,
    }

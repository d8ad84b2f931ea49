"""An attack in a process of its own: model and batches go in, images come out as plain numbers.

What it does there to PyTorch, to the model or to the process touches nothing that scores. What comes back is read as
bytes and JSON, never as objects, which could bring code along. What this protects against, and what not, is in
SECURITY.md.
"""

from __future__ import annotations

import copy
import json
import pickle
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .arrays import arrays_of, batch_of
from .attackers import Assignment, failure, on_itself
from .child import LARGEST_ANSWER, Child, Limits, forks
from .measurement import Effort
from .memory import bounded_memory, peak_memory_mb
from .protocol.errors import AttackError, BadInputError, CellError
from .protocol.references import files_run, run_file
from .protocol.stopwatch import ATTACK, part
from .protocol.surroundings import Surroundings
from .protocol.tally import Tally
from .protocol.types import Batch, MultiTaskModel
from .speedups import products


class Apart:
    """The attack in a process of its own; use as a context, which ends the process."""

    def __init__(self, model: MultiTaskModel, task: Assignment, probe: Tensor, limits: Limits) -> None:
        self._title, self._device = task.title, probe.device
        given = (model, task, probe) if forks(self._device) else _packed(model, task, probe, str(self._device))
        self._child = Child(_serve, (given, task.title, limits), task.title, limits, forked=forks(self._device))

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.end()

    def fit(self, split: Sequence[Batch]) -> Effort:
        return self._effort(self._asked("fit", [arrays_of(batch) for batch in split]))

    def perturb(self, batch: Batch) -> tuple[object, Effort]:
        answer = self._asked("perturb", arrays_of(batch))
        if "found" in answer:
            raise AttackError(
                f"{self._title}: the attack returned {answer['found']}, not {tuple(batch.x.shape)} {batch.x.dtype}"
            )
        content = self._child.received(LARGEST_ANSWER + 16 * batch.x.numel())
        try:
            images = np.frombuffer(content, np.dtype(str(answer["dtype"]))).reshape([*map(int, answer["shape"])])
            x = torch.from_numpy(images.copy())
        except (KeyError, TypeError, ValueError) as error:
            raise self._child.nonsense() from error
        return x.to(self._device), self._effort(answer)

    def finish(self) -> None:
        self._asked("finish", None)

    def _asked(self, what: str, given: object) -> dict[str, Any]:
        with part(ATTACK):
            self._child.say(pickle.dumps((what, given)))
            return self._child.answer()

    def _effort(self, answer: dict[str, Any]) -> Effort:
        """What the process says that the attack took: numbers, and none of them negative."""
        try:
            found = answer["effort"]
            sums, peaks = ({str(name): found[what][name] for name in found[what]} for what in ("sums", "peaks"))
            numbers = [found["seconds"], found["peak_memory_mb"], *map(abs, peaks.values())]
            if not all(0 <= float(number) < float("inf") for number in numbers):
                raise ValueError
            counts = [found["forwards"], found["backwards"], *sums.values()]
            if not all(type(count) is int and count >= 0 for count in counts):
                raise ValueError
        except (KeyError, TypeError, ValueError) as error:
            raise self._child.nonsense() from error
        effort = Effort(found["forwards"], found["backwards"], float(found["seconds"]), float(found["peak_memory_mb"]))
        effort.tally.merge(Tally(Counter(sums), {name: float(value) for name, value in peaks.items()}))
        return effort


def _packed(model: MultiTaskModel, task: Assignment, probe: Tensor, device: str) -> bytes:
    """What a process that shares no memory with this one needs, as bytes."""
    try:
        given = pickle.dumps((copy.deepcopy(model).cpu(), task, probe.cpu(), device))
        return pickle.dumps((files_run(), given))  # before the rest, which may be made of classes in them
    except Exception as error:
        raise BadInputError(
            f"{task.title}: the attack runs in a process of its own, to which it or the model cannot be sent "
            f"({type(error).__name__}: {error}); define their classes in a module, not in a function"
        ) from error


def _serve(connection: Connection, given: Any, title: str, limits: Limits) -> None:
    """What the process of an attack does until there is nothing more to do."""
    said = _Answers(connection)
    try:
        model, task, probe, device = _unpacked(given)
        with ExitStack() as stack:
            # Before what the attack might change is looked at, so that such changes are not undone with it.
            stack.enter_context(products(task.speedups))
            surroundings = Surroundings()
            attacker = on_itself(model, task, probe)
            stack.enter_context(bounded_memory(limits.memory_mb))
            stack.enter_context(suppress(EOFError))
            while True:
                what, asked = pickle.loads(connection.recv_bytes())  # noqa: S301  from the process that started this
                if what == "finish":
                    attacker.finish()
                    said.done()
                elif what == "fit":
                    effort = attacker.fit([batch_of(one, device) for one in asked])
                    _check(surroundings, title)
                    said.effort(effort)
                else:
                    x, effort = attacker.perturb(batch_of(asked, device))
                    _check(surroundings, title)
                    said.images(x, effort)
    except BaseException as error:
        own = not isinstance(error, BadInputError) or isinstance(error, CellError)
        said.fault(_told(error, title), own=own)
        if "--debug" in sys.argv:
            traceback.print_exc()


def _unpacked(given: Any) -> tuple[MultiTaskModel, Assignment, Tensor, torch.device]:
    if not isinstance(given, bytes):
        model, task, probe = given
        return model, task, probe, probe.device
    files, rest = pickle.loads(given)  # noqa: S301  from the process that started this
    for file in files:
        run_file(file)
    model, task, probe, device = pickle.loads(rest)  # noqa: S301
    return model.to(device), task, probe.to(device), torch.device(device)


def _check(surroundings: Surroundings, title: str) -> None:
    change = surroundings.change()
    if change:
        raise AttackError(f"{title}: the attack changed {change}, which all code of a process shares")


def _told(error: BaseException, title: str) -> str:
    if isinstance(error, BadInputError):
        return str(error)
    if isinstance(error, SystemExit):
        return f"{title}: the attack calls exit({'' if error.code is None else error.code})"
    return f"{title}: {failure(error)}"


@dataclass(frozen=True)
class _Answers:
    """What a process says to the one that started it."""

    connection: Connection

    def done(self) -> None:
        self._say({})

    def fault(self, text: str, *, own: bool) -> None:
        with suppress(OSError):  # nobody listens any more
            self._say({"fault": text, "own": own})

    def effort(self, effort: Effort) -> None:
        self._say({"effort": _plain(effort)})

    def images(self, x: object, effort: Effort) -> None:
        if not isinstance(x, Tensor):
            self._say({"found": type(x).__name__})
            return
        try:
            with torch._C.DisableTorchFunctionSubclass():  # the numbers, whatever a class of its own says of them
                array = np.ascontiguousarray(x.detach().cpu().numpy())
        except (TypeError, RuntimeError):  # of a kind that numpy has no numbers for
            self._say({"found": f"{tuple(x.shape)} {x.dtype}"})
            return
        self._say({"shape": array.shape, "dtype": array.dtype.str, "effort": _plain(effort)})
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

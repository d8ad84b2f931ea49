"""Who makes the adversarial images of a pass: the attack in this process, or in one of its own (apart.py)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from .measurement import Effort
from .protocol.errors import AttackError, BadInputError, out_of_memory, told
from .protocol.noise import Noise
from .protocol.tasks.base import Task
from .protocol.threat import ThreatModel
from .protocol.types import Attack, Batch, MultiTaskModel, SplitAttack
from .protocol.weights import Belongings, looks
from .speedups import products
from .victim import PROBES, Victim, shown


@dataclass(frozen=True)
class Assignment:
    """An attack, its budget and random numbers, what to call all this in errors, and what its passes are sped up by."""

    attack: Attack
    threat: ThreatModel
    noise: Noise
    title: str
    speedups: tuple[str, ...] = ()


class Attacker(Protocol):
    """Makes adversarial images, of which nothing is checked yet; raises AttackError where the attack fails."""

    def fit(self, split: Sequence[Batch]) -> Effort:
        """Show a `SplitAttack` all samples."""
        ...

    def perturb(self, batch: Batch) -> tuple[object, Effort]:
        """What the attack makes of a batch, and what that took."""
        ...

    def finish(self) -> None:
        """Raises AttackError if the attack has left something else than images behind."""
        ...


class Here:
    """The attack in this process, on a model of its own; `done` is called when that has come back as it was.

    What the attack does happens inside `modes`.
    """

    def __init__(
        self,
        victim: Victim,
        task: Assignment,
        modes: Callable[[], AbstractContextManager[None]] = nullcontext,
        done: Callable[[], object] = lambda: None,
    ) -> None:
        self._victim, self._task, self._attack = victim, task, task.attack
        self._modes, self._done = modes, done

    def fit(self, split: Sequence[Batch]) -> Effort:
        seen = self._victim.seen
        assert isinstance(self._attack, SplitAttack)
        with self._at_work() as effort:
            batches = [self._shown(batch) for batch in split]
            self._attack = self._attack.fitted(seen, batches, self._task.threat, self._task.noise)
        return effort

    def perturb(self, batch: Batch) -> tuple[object, Effort]:
        with self._at_work() as effort:
            x = self._attack(self._victim.seen, self._shown(batch), self._task.threat, self._task.noise)
        return x, effort

    def finish(self) -> None:
        self._victim.check(self._task.title, thoroughly=True)
        self._done()

    def _shown(self, batch: Batch) -> Batch:
        return batch.only(self._victim.seen.tasks).clone()

    @contextmanager
    def _at_work(self) -> Iterator[Effort]:
        """What the attack inside takes; what it raises becomes an AttackError, and so does a model that it changed."""
        try:
            with self._modes(), self._victim.counted() as effort:
                yield effort
        except Exception as error:
            fault = error if isinstance(error, BadInputError) else failure(error)
            raise AttackError(f"{self._task.title}: {fault}") from error
        self._victim.check(self._task.title)


@dataclass(frozen=True)
class _Copy:
    """What has been made of a model for attacks to see, how, and what the model was then."""

    victim: Victim
    model: MultiTaskModel
    tasks: Mapping[str, Task]
    targets: tuple[str, ...] | None
    speedups: tuple[str, ...]
    belongings: Belongings
    looks: object

    def is_for(self, task: Assignment, model: MultiTaskModel) -> bool:
        """Whether it would be made just so again."""
        if model is not self.model or (task.threat.targets, task.speedups) != (self.targets, self.speedups):
            return False
        return self.tasks == model.tasks and self.looks == looks(model)

    def spare(self) -> None:
        """Keep it for the next attack, unless this one has left anything in it, as other settings of its parts."""
        if self.belongings.are_kept():
            _spare[:] = [self]


_spare: list[_Copy] = []
"""The last copy that came back as it was; a cell's next job, and most often the next cell, want the same."""


def forget_copies() -> None:
    """Let go of the model that was attacked last."""
    _spare.clear()


def on_a_copy(model: MultiTaskModel, task: Assignment, probe: Tensor) -> Here | None:
    """The attack in this process, on a copy that shares nothing with `model`; None without one that answers the same.

    What a network's hooks or functions refer to may stay the original's.
    """
    copied = _spare_for(task, model) or _copy_of(model, task, probe)
    return None if copied is None else Here(copied.victim, task, partial(products, task.speedups), copied.spare)


def on_itself(model: MultiTaskModel, task: Assignment, probe: Tensor) -> Here:
    """The attack in this process, which is there for it and `model` alone; what passes inside that is counted, too."""
    return Here(Victim(shown(model, task.threat.targets), probe, task.title, task.speedups, gated=True), task)


def _spare_for(task: Assignment, model: MultiTaskModel) -> _Copy | None:
    with suppress(IndexError):  # there is none, or another thread was faster
        copied = _spare.pop()
        return copied if copied.is_for(task, model) else None
    return None


def _copy_of(model: MultiTaskModel, task: Assignment, probe: Tensor) -> _Copy | None:
    targets = task.threat.targets
    original = shown(model, targets)
    # Other images than the original has seen before, so that nothing it keeps of them can pass for an answer.
    mirrored = probe.flip(-1, -2)
    try:
        victim = Victim(copy.deepcopy(original), mirrored, task.title, task.speedups)
        same = victim.answers_as(original, mirrored)
        belongings = Belongings(victim.seen)
    except Exception:  # what it is will show where the model itself is called
        return None
    return _Copy(victim, model, dict(model.tasks), targets, task.speedups, belongings, looks(model)) if same else None


def failure(error: BaseException) -> str:
    """What an attack raised, on one line."""
    text = " ".join(str(error).split())
    if out_of_memory(error):
        return "out of memory; smaller batches need less, and --limit-memory says what an attack from outside may take"
    return told(error) if text else type(error).__name__


def probe_of(batch: Batch) -> Tensor:
    """A few of the images, on which a model is tried."""
    few = batch.x[:PROBES]
    return few if len(few) == PROBES else torch.cat([few] * PROBES)

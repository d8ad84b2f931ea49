"""The model that an attack is let loose on: no other tasks than it may see, counted, and checked to stay as it was."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .gates import Gates
from .measurement import Effort
from .protocol.answers import answers_of
from .protocol.errors import AttackError, ModelError
from .protocol.stopwatch import ATTACK, BACKWARD, FORWARD, part, stopwatch
from .protocol.tally import tallying
from .protocol.types import MultiTaskModel, Restrictable
from .protocol.weights import Watch
from .speedups import COMPILE, speed_up

PROBES = 2
"""Images on which a model is tried before it is attacked; a lone one would be doubled."""


class Victim:
    """A model of the attack's own, which gets all of it, as `seen`, its passes made faster by `speedups`.

    With `gated`, images are also counted where they pass the network's parts without the model being called. `probe`
    are a few images. Raises ModelError, naming `title`, if the model does not even stay as it is when it answers.
    """

    def __init__(
        self, model: MultiTaskModel, probe: Tensor, title: str, speedups: Sequence[str] = (), *, gated: bool = False
    ) -> None:
        self.seen = model
        self._watch = Watch(self.seen)
        self._answers = _comparable(self.seen, probe)
        self._gates = Gates(self.seen, probe) if gated else None
        if not self._watch.seems_kept():
            raise ModelError(
                f"{title}: the model changes its own weights, buffers or mode whenever it answers; no two passes are "
                "then of the same model"
            )
        if speedups:
            # What is compiled does not count what passes inside it.
            speed_up(self.seen, [name for name in speedups if name != COMPILE or not gated])
            self._watch = Watch(self.seen)

    @contextmanager
    def counted(self) -> Iterator[Effort]:
        """What the attack inside the block takes; its seconds are there at the end."""
        effort = Effort()
        with ExitStack() as stack:
            stack.enter_context(_counting(self.seen, effort, self._gates))
            effort.tally = stack.enter_context(tallying())
            stack.enter_context(_timing(self.seen))
            start = time.perf_counter()
            yield effort
            effort.seconds = time.perf_counter() - start  # what follows an attack inside has waited for the device

    def answers_as(self, other: MultiTaskModel, probe: Tensor) -> bool:
        """Whether another model, too, gives the answers to `probe` that this one gave before it was attacked."""
        theirs = _comparable(other, probe)
        return all(torch.equal(value, theirs[name]) for name, value in self._answers.items())

    def check(self, title: str, *, thoroughly: bool = False) -> None:
        """Raises AttackError, naming `title`, if an attack left other weights, buffers, modes, hooks or code behind.

        A write that PyTorch does not count is only found `thoroughly`, at the end of all batches (see `Watch`).
        """
        if not (self._watch.is_kept() if thoroughly else self._watch.seems_kept()):
            raise AttackError(f"{title}: the attack changed the model's weights, buffers, mode, hooks or code")


def shown(model: MultiTaskModel, targets: Sequence[str] | None) -> MultiTaskModel:
    """The model with these tasks alone: the same network if it has no others, else as much of it as can be left out."""
    if targets is None or {*targets} == {*model.tasks}:
        return model
    tasks = {name: task for name, task in model.tasks.items() if name in targets}
    net = model.net
    less = net.restricted_to([*tasks]) if isinstance(net, Restrictable) else _Filter(net, [*tasks])
    found = MultiTaskModel(less, {name: tasks[name] for name in targets})
    found.training = model.training
    return found


def _comparable(model: MultiTaskModel, x: Tensor) -> dict[str, Tensor]:
    """The model's answers with 0 for NaN, which is equal to none."""
    return {name: value.nan_to_num() for name, value in answers_of(model, x).items()}


class _Filter(nn.Module):
    """A network that cannot be taken apart, with the predictions of some tasks."""

    def __init__(self, net: nn.Module, tasks: Sequence[str]) -> None:
        super().__init__()
        self.net, self.tasks = net, tasks
        self.training = net.training

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        found = self.net(x)
        return {task: found[task] for task in self.tasks}


class _CountBackward(torch.autograd.Function):
    """The identity, counting the images whose gradient passes back through it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, effort: Effort) -> Tensor:
        ctx.effort = effort
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        ctx.effort.backwards += len(gradients[0])
        return gradients[0], None


@contextmanager
def _timing(model: MultiTaskModel) -> Iterator[None]:
    """Tell a stopwatch, if one runs, that this is an attack, and which of it are passes through `model`."""
    watch = stopwatch()
    if watch is None:
        yield
        return

    def turning(part: str) -> Callable[[Tensor], None]:
        def turn(gradient: Tensor) -> None:
            watch.turn_to(part)

        return turn

    def enter(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        watch.turn_to(FORWARD)
        if inputs[0].requires_grad:
            inputs[0].register_hook(turning(ATTACK))  # type: ignore[no-untyped-call]

    def leave(module: nn.Module, inputs: tuple[Tensor, ...], output: Mapping[str, Tensor]) -> None:
        watch.turn_to(ATTACK)
        for prediction in output.values():
            if prediction.requires_grad:
                prediction.register_hook(turning(BACKWARD))  # type: ignore[no-untyped-call]

    with ExitStack() as stack, part(ATTACK):
        stack.callback(model.register_forward_pre_hook(enter).remove)
        stack.callback(model.register_forward_hook(leave).remove)
        yield


@contextmanager
def _counting(model: MultiTaskModel, effort: Effort, gates: Gates | None) -> Iterator[None]:
    """Count, in `effort`, the images that go forwards and backwards through `model`, and past it through its gates."""

    def count(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Any, ...]:
        effort.forwards += len(inputs[0])
        if gates:
            gates.enter()
        return (_CountBackward.apply(inputs[0], effort), *inputs[1:])  # type: ignore[no-untyped-call]

    def leave(module: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
        if gates:
            gates.leave()

    forwards: Counter[int] = Counter()
    backwards: Counter[int] = Counter()
    with ExitStack() as stack:
        if gates:
            stack.enter_context(gates.counting(forwards, backwards))
            stack.callback(model.register_forward_hook(leave, always_call=True).remove)
        stack.callback(model.register_forward_pre_hook(count).remove)
        yield
    if gates:
        effort.forwards += gates.most(forwards)
        effort.backwards += gates.most(backwards)

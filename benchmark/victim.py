"""The model that an attack is let loose on: a copy, counted, and checked to come back as it was."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .measurement import Effort
from .protocol.errors import BadInputError
from .protocol.tally import tallying
from .protocol.types import MultiTaskModel
from .weights import Watch


class Victim:
    """A copy of `model`; `seen` is what an attack gets of it, no other tasks than `targets` where these are given."""

    def __init__(self, model: MultiTaskModel, targets: tuple[str, ...] | None) -> None:
        self._model = copy.deepcopy(model)
        self._watch = Watch(self._model)
        self.seen = self._model if targets is None else self._model.only(targets)

    @contextmanager
    def counted(self) -> Iterator[Effort]:
        """What the attack inside the block takes; its seconds are there at the end."""
        effort = Effort()
        with _counting(self._model, effort), tallying() as effort.tally:
            start = time.perf_counter()
            yield effort
            effort.seconds = time.perf_counter() - start  # what follows an attack inside has waited for the device

    def check(self, title: str, *, thoroughly: bool = False) -> None:
        """Raises BadInputError, naming `title`, if the attack left the copy with other weights, buffers or modes.

        A write that PyTorch does not count is only found `thoroughly`, at the end of all batches (see `Watch`).
        """
        if not (self._watch.is_kept() if thoroughly else self._watch.seems_kept()):
            raise BadInputError(f"{title}: the attack changed the model's weights, buffers or mode")


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
def _counting(model: MultiTaskModel, effort: Effort) -> Iterator[None]:
    """Count, in `effort`, the images that go forwards and backwards through `model`."""

    def count(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Any, ...]:
        effort.forwards += len(inputs[0])
        return (_CountBackward.apply(inputs[0], effort), *inputs[1:])  # type: ignore[no-untyped-call]

    handle = model.register_forward_pre_hook(count)
    try:
        yield
    finally:
        handle.remove()

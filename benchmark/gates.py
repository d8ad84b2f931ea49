"""Counts inside a network, for attacks that go round the model's call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .protocol.types import MultiTaskModel


class Gates:
    """The parts of a network that images pass, to count those that pass without the model being called.

    A part that k images pass when one is answered counts each as 1/k; the most that passed any part is taken.
    """

    def __init__(self, model: MultiTaskModel, probe: Tensor) -> None:
        # What is compiled takes no hooks.
        inside = [part for part in model.net.modules() if not isinstance(part, torch.jit.ScriptModule)]
        self._parts = [part for part in inside if part._parameters] or inside[:1]
        self._each: dict[int, float] = {}
        self._open = 0
        passed: Counter[int] = Counter()
        with self.counting(passed, Counter()), torch.no_grad():
            model(probe)
        self._each = {place: count / len(probe) for place, count in passed.items()}

    def enter(self) -> None:
        """From now on the model itself is being called, which counts by itself."""
        self._open += 1

    def leave(self) -> None:
        """A call of the model is over."""
        self._open -= 1

    @contextmanager
    def counting(self, forwards: Counter[int], backwards: Counter[int]) -> Iterator[None]:
        """Count, by the places of parts, the images that pass while the model is not being called."""
        handles = [
            part.register_forward_hook(self._hook(place, forwards, backwards)) for place, part in enumerate(self._parts)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def most(self, passed: Counter[int]) -> int:
        """Images, out of how many passed each part."""
        shares = (count / self._each[place] for place, count in passed.items() if self._each.get(place))
        return round(max(shares, default=0))

    def _hook(self, place: int, forwards: Counter[int], backwards: Counter[int]) -> Any:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            if self._open:
                return
            tensor = next((one for one in _tensors(output) if one.dim()), None)
            if tensor is None:
                return
            count = len(tensor)
            forwards[place] += count
            if tensor.requires_grad:
                tensor.register_hook(lambda _: backwards.update({place: count}))  # type: ignore[no-untyped-call]

        return hook


def _tensors(output: object) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, dict):
        for value in output.values():
            yield from _tensors(value)
    elif isinstance(output, tuple | list):
        for value in output:
            yield from _tensors(value)

"""Faster passes for attacks at the price of other digits: what they see of a model, and never what scores it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from .protocol.errors import BadInputError, told
from .protocol.tensors import Images, Prediction
from .protocol.types import MultiTaskModel

T = TypeVar("T")

TF32, AUTOCAST, CHANNELS_LAST, COMPILE = "tf32", "autocast", "channels-last", "compile"

SPEEDUPS: Mapping[str, str] = MappingProxyType(
    {
        TF32: "a GPU's convolutions and products with 10 bits of mantissa, not 23",
        AUTOCAST: "convolutions and products in bfloat16, with 7 bits",
        CHANNELS_LAST: "images and weights with a pixel's channels side by side in memory",
        COMPILE: "torch.compile, which takes half a minute in every worker; not for attacks from outside",
    }
)
"""What an attack's passes can be made faster by, as a user names it; see docs/performance.md for what it gains."""


def check_speedups(speedups: Collection[str], device: str | None, outside: Sequence[str] = ()) -> None:
    """Raises BadInputError for `COMPILE` with attacks from `outside`, by name, and where nothing can be compiled.

    What is elsewhere has no `device` here, and is not tried.
    """
    if COMPILE not in speedups:
        return
    if outside:
        # What is compiled does not count the images that pass inside it.
        raise BadInputError(f"--speed-up {COMPILE} is not for attacks from outside, as {outside[0]}; leave one out")
    if device is None:
        return
    try:
        torch.compile(torch.neg)(torch.ones(2, device=device))
    except Exception as error:  # of many kinds, from compilers and their drivers
        reason = told(error).partition(" Set TORCH")[0]
        raise BadInputError(f"--speed-up {COMPILE} needs what PyTorch compiles with: {reason}") from error


class _Faster(nn.Module):
    """A network with faster passes; as an attack's own copy of one it is changed in place."""

    def __init__(self, net: nn.Module, speedups: Collection[str]) -> None:
        super().__init__()
        self.training = net.training
        self._speedups = frozenset(speedups)
        self.net = net
        if CHANNELS_LAST in speedups:
            net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # PyTorch's stub lacks it
        if COMPILE in speedups:
            net.compile(dynamic=False)

    def forward(self, x: Images) -> dict[str, Prediction]:
        if CHANNELS_LAST in self._speedups:
            x = x.contiguous(memory_format=torch.channels_last)
        if AUTOCAST not in self._speedups:
            return self.net(x)  # type: ignore[no-any-return]
        with torch.autocast(x.device.type, torch.bfloat16):
            found: dict[str, Tensor] = self.net(x)
        return {name: value.float() for name, value in found.items()}


def speed_up(model: MultiTaskModel, speedups: Collection[str]) -> None:
    """Make the passes of a model that nobody else needs faster, by the names of `SPEEDUPS` but for `TF32`."""
    if {*speedups} - {TF32}:
        model.net = _Faster(model.net, speedups)


@contextmanager
def products(speedups: Collection[str] = ()) -> Iterator[None]:
    """Inside, a GPU computes convolutions and products in float32, or as `TF32` says if that is among the speedups.

    PyTorch has two ways to say this, and raises where they say different things: so both are set, and set back.
    """
    cudnn, kinds = torch.backends.cudnn, _kinds()
    general = _said(torch.get_float32_matmul_precision, "highest")
    convolutions = _said(lambda: cudnn.allow_tf32, True)
    by_kind = [kind.fp32_precision for kind in kinds]
    fast = TF32 in speedups
    try:
        _say("high" if fast else "highest", fast, dict.fromkeys(kinds, "tf32" if fast else "ieee"))
        yield
    finally:
        _say(general, convolutions, dict(zip(kinds, by_kind, strict=True)))


def _say(general: str, convolutions: bool, by_kind: Mapping[Any, str]) -> None:
    torch.set_float32_matmul_precision(general)
    torch.backends.cudnn.allow_tf32 = convolutions
    for kind, precision in by_kind.items():
        kind.fp32_precision = precision


def _said(read: Callable[[], T], default: T) -> T:
    """What PyTorch was told in the older way; its `default` where it does not tell, as the newer way was used."""
    try:
        return read()
    except RuntimeError:
        return default


def _kinds() -> list[Any]:
    """What PyTorch has a precision each for, in the newer way, which came with 2.9."""
    libraries: tuple[Any, ...] = torch.backends.cuda, torch.backends.cudnn, torch.backends.mkldnn
    found = (getattr(library, kind, None) for library in libraries for kind in ("matmul", "conv", "rnn"))
    return [kind for kind in found if hasattr(kind, "fp32_precision")]

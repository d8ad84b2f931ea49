"""What all code of a process shares, as PyTorch's functions and modes, and what of it code from outside has changed."""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import CodeType, MappingProxyType

import numpy as np
import torch
from torch import nn

from .source import OWN

COMPILER = [Path(torch.__file__).parent / name for name in ("_dynamo", "_compile.py")]
GLOBAL_HOOKS = tuple(name for name in vars(nn.modules.module) if name.startswith("_global") and name.endswith("hooks"))
SPACES = (
    torch,
    nn.functional,
    torch.Tensor,
    torch.autograd,
    torch.linalg,
    torch.fft,
    torch.special,
    np,
    math,
    builtins,
)


def _hooks_of_all_modules() -> tuple[str, ...]:
    found = (getattr(nn.modules.module, name) for name in GLOBAL_HOOKS)
    return tuple(str(hook) for hooks in found if isinstance(hooks, Mapping) for hook in hooks.values())


SETTINGS: Mapping[str, Callable[[], object]] = MappingProxyType(
    {
        "the hooks on all modules": _hooks_of_all_modules,
        "torch's default dtype": torch.get_default_dtype,
        "torch's number of threads": lambda: torch.get_num_threads(),
        "whether torch keeps gradients": torch.is_grad_enabled,
        "torch's inference mode": torch.is_inference_mode_enabled,
        "torch's autocast": lambda: torch.is_autocast_enabled("cpu"),
        "torch's deterministic mode": torch.are_deterministic_algorithms_enabled,
        "torch's precision of products": torch.get_float32_matmul_precision,
        "torch's search for anomalies": torch.is_anomaly_enabled,
        "torch's default device": lambda: str(torch.tensor(()).device),
        "torch's flushing of denormal numbers": lambda: (torch.tensor([1e-40]) * 1).item() == 0,
        "the modes that torch's functions run under": lambda: torch._C._len_torch_function_stack(),
        "numpy's handling of errors": lambda: tuple(np.geterr().items()),
    }
)
"""What is the same for all code of a process, by what people call it."""


@contextmanager
def standard_modes() -> Iterator[None]:
    """Inside, PyTorch keeps gradients and computes in float32 whatever it did outside, so that a cell is one number."""
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.inference_mode(False), torch.enable_grad(), ExitStack() as stack:
            for kind in ("cpu", "cuda"):
                stack.enter_context(torch.autocast(kind, enabled=False))
            yield
    finally:
        torch.set_default_dtype(dtype)


class Surroundings:
    """What functions, hooks and modes were when this was made, to be compared with what they are."""

    def __init__(self) -> None:
        self._settings = {what: found() for what, found in SETTINGS.items()}
        self._functions = dict(_functions())
        self._names = {space: {*vars(space)} for space, _ in _spaces() if isinstance(space, type)}

    def change(self) -> str | None:
        """What has changed since, in a few words; None if nothing has.

        Another function in the place of one counts, and so do other code in the same and a method in front of that of a
        base class, but for what PyTorch's compiler puts there when it is first used.
        """
        for what, found in SETTINGS.items():
            if found() != self._settings[what]:
                return what
        now = dict(_functions())
        for name, (value, code) in self._functions.items():
            other, its = now.get(name, (None, None))
            if (other is not value and not _from_compiler(other)) or (other is value and its is not code):
                return name
        for space, names in self._names.items():
            for name in {*vars(space)} - names:  # Python adds others when they are asked for, as __annotations__
                value = vars(space)[name]
                hides = any(hasattr(base, name) for base in space.__bases__)
                if hides and _is_code(value) and not _from_compiler(value):
                    return f"{space.__qualname__}.{name}"
        return None


def _functions() -> Iterator[tuple[str, tuple[object, CodeType | None]]]:
    """All functions and methods that scores may rest on, by name, with their code where they are Python's."""
    for space, name in _spaces():
        for key, value in [*vars(space).items()]:
            if _is_code(value):
                yield f"{name}.{key}", (value, getattr(value, "__code__", None))


def _is_code(value: object) -> bool:
    return callable(value) or isinstance(value, staticmethod | classmethod | property)


def _spaces() -> Iterator[tuple[object, str]]:
    yield from ((space, space.__name__) for space in SPACES)
    for name, module in [*sys.modules.items()]:
        if name.startswith("torch.nn.modules."):
            yield from ((kind, kind.__qualname__) for kind in _classes(module))
        elif name == OWN or name.startswith(f"{OWN}."):
            yield module, name
            yield from ((kind, f"{name}.{kind.__qualname__}") for kind in _classes(module))


def _classes(module: object) -> list[type]:
    own = getattr(module, "__name__", None)
    return [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == own]


def _from_compiler(value: object) -> bool:
    """Whether PyTorch's compiler put it there, as it does when it is first used, whatever it says of itself."""
    code = getattr(value, "__code__", None)
    return code is not None and any(Path(code.co_filename).is_relative_to(place) for place in COMPILER)

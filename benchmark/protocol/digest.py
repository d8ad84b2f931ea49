"""A digest of what an object is made of: its values, and the code from outside this package that it runs."""

from __future__ import annotations

import dis
import hashlib
from collections import deque
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import partial, singledispatch
from pathlib import PurePath
from re import Pattern
from types import BuiltinFunctionType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType, SimpleNamespace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .errors import BadInputError
from .source import GROUND, OWN, in_a_file, source_sha256

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...), range, slice, torch.dtype, torch.device)
WRITTEN = (PurePath, Pattern, Decimal, Fraction, date, time, timedelta)
"""Types of the standard library whose values their text tells."""
HEAP = 1 << 9
"""The flag of classes that a `class` statement made; those of Python itself lack it."""
# What Python, dataclasses and Protocols leave in a class beside what stands in its body.
NO_BODY = {
    *("__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__firstlineno__", "__static_attributes__"),
    *("__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__", "__conditional_annotations__"),
    *("__parameters__", "__orig_bases__", "__dataclass_fields__", "__dataclass_params__"),
    *("__abstractmethods__", "_abc_impl", "_is_protocol", "_is_runtime_protocol", "__protocol_attrs__"),
}
# What a network's attributes hold beside its parts, and what says nothing of its answers.
NO_STATE = {"_parameters", "_buffers", "_modules", "training"}


def digest(value: object) -> str:
    """Sha256 of an object, the same in any process: of types, values, arrays, networks with all they hold, and code.

    A class or function from outside is the source of its module or, in a script or notebook, where that is too much,
    its bytecode with all that it refers to; one of this package or of the libraries that it needs counts by its name.
    Files, locks and the like count by their type alone.
    """
    return _Walk().of(value).hex()


def foreign_sha256(*values: object) -> str | None:
    """The `digest` of the objects if there is code from outside in any of them, else None."""
    walk = _Walk()
    found = walk.of(values)
    return found.hex() if walk.foreign else None


@dataclass(frozen=True)
class _Source:
    """Code from outside, as a digest; empty where its parts follow."""

    sha256: str = ""


@dataclass(frozen=True)
class _Unordered:
    """Parts in any order."""

    parts: tuple[object, ...]


class _Walk:
    """Digests of objects from those of their parts; `foreign` tells whether there was code from outside."""

    def __init__(self) -> None:
        self.foreign = False
        self._known: dict[int, bytes] = {}
        self._kept: list[object] = []  # so that no two objects have one address
        self._open: list[int] = []

    def of(self, value: object) -> bytes:
        if type(value) in PLAIN:
            return _hashed(type(value).__name__, value if isinstance(value, bytes) else repr(value))
        if isinstance(value, _Source):
            self.foreign = True
            return _hashed("source", value.sha256)
        if isinstance(value, _Unordered):
            return _hashed("set", *sorted(self.of(part) for part in value.parts))
        address = id(value)
        if address in self._open:  # it holds itself; how far above says which it is
            return _hashed("above", str(len(self._open) - self._open.index(address)))
        if address not in self._known:
            self._kept.append(value)
            self._open.append(address)
            try:
                self._known[address] = _hashed(*(self.of(part) for part in _parts(value)))
            except RecursionError as error:
                raise BadInputError(f"a {type(value).__name__} nests too deeply to tell what it is made of") from error
            finally:
                self._open.pop()
        return self._known[address]


def _hashed(*words: str | bytes) -> bytes:
    found = hashlib.sha256()
    for word in words:
        content = word if isinstance(word, bytes) else word.encode(errors="surrogatepass")
        found.update(b"%d:%b" % (len(content), content))
    return found.digest()


@singledispatch
def _parts(value: object) -> Iterator[object]:
    """What an object is made of, simpler than itself; first its type."""
    kind = type(value)
    yield kind
    yield from (base.__repr__(value) for base in PLAIN if isinstance(value, base))  # type: ignore[call-arg]
    if isinstance(value, WRITTEN):
        yield str(value)
    elif _is_ground(kind.__module__) and not kind.__module__.startswith(OWN) and not isinstance(value, SimpleNamespace):
        yield getattr(value, "__qualname__", getattr(value, "__name__", None))
        yield getattr(value, "__wrapped__", None)
    else:
        for name in (name for part in kind.__mro__ for name in _slots(part) if hasattr(value, name)):
            yield from (name, getattr(value, name))
        yield getattr(value, "__dict__", None)


@_parts.register
def _(value: Enum) -> Iterator[object]:
    yield from (type(value), value.name)


@_parts.register(tuple)
@_parts.register(list)
@_parts.register(deque)
def _(value: tuple[object, ...]) -> Iterator[object]:
    yield from (type(value), len(value), *value)


@_parts.register(MappingProxyType)
@_parts.register
def _(value: Mapping) -> Iterator[object]:  # type: ignore[type-arg]
    yield from (type(value), len(value))
    for key in value:
        yield from (key, value[key])


@_parts.register
def _(value: Set) -> Iterator[object]:  # type: ignore[type-arg]
    yield from (type(value), _Unordered((*value,)))


@_parts.register
def _(value: Tensor) -> Iterator[object]:
    yield from ("tensor", value.dtype, tuple(value.shape))
    if not value.is_meta:
        plain = value.detach()
        plain = plain.dequantize() if plain.is_quantized else plain.to_dense() if plain.is_sparse else plain
        yield plain.cpu().flatten().clone().view(torch.uint8).numpy().tobytes()


@_parts.register
def _(value: np.generic) -> Iterator[object]:
    yield from (type(value), str(value.dtype), value.tobytes())


@_parts.register
def _(value: np.ndarray) -> Iterator[object]:
    array: NDArray[np.generic] = value
    yield from ("array", str(array.dtype), array.shape)
    yield array.ravel().tolist() if array.dtype.hasobject else array.tobytes()


@_parts.register
def _(value: nn.Module) -> Iterator[object]:
    yield type(value)
    yield [*value.named_parameters(recurse=False, remove_duplicate=False)]
    yield [*value.named_buffers(recurse=False, remove_duplicate=False)]
    yield [*value.named_children()]
    for name, part in vars(value).items():
        if name.endswith("_hooks") and isinstance(part, Mapping):
            yield from (name, [*part.values()])  # the keys count all hooks of the process
        elif name not in NO_STATE and "_hooks" not in name:
            yield from (name, part)
    code = getattr(value, "code", None)  # what was traced or compiled has no class of its own
    yield code if isinstance(code, str) else None


@_parts.register
def _(value: type) -> Iterator[object]:
    module = value.__module__
    # What runs without a module's name, as `exec` does it, seems to be Python's own.
    if not value.__flags__ & HEAP or (_is_ground(module) and module != "builtins"):
        yield from ("class", module, value.__qualname__)
        return
    yield from ("class", value.__qualname__, *value.__bases__)
    if in_a_file(module) and module != "builtins":
        yield _Source(source_sha256(module))
    else:
        yield _Source()
    if not in_a_file(module) or "<locals>" in value.__qualname__:
        yield {name: part for name, part in vars(value).items() if name not in NO_BODY}


@_parts.register
def _(value: FunctionType) -> Iterator[object]:
    module = value.__module__ or ""
    if _is_ground(module) and module != "builtins":
        yield from ("function", module, value.__qualname__)
    elif in_a_file(module):
        yield from ("function", value.__qualname__, _Source(source_sha256(module)))
        yield value.__code__ if "<" in value.__qualname__ else None  # one of several that are called alike
    else:
        yield from (_Source(), value.__code__)
        known = value.__globals__
        yield {name: known[name] for name in _globals_of(value.__code__) if name in known}
    yield from (value.__defaults__, value.__kwdefaults__)
    for cell in value.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # filled later
            yield None


@_parts.register
def _(value: CodeType) -> Iterator[object]:
    yield from ("code", value.co_code, value.co_exceptiontable, value.co_names, value.co_consts)


@_parts.register
def _(value: MethodType) -> Iterator[object]:
    yield from ("method", value.__func__, value.__self__)


@_parts.register
def _(value: BuiltinFunctionType) -> Iterator[object]:
    owner = value.__self__
    yield from ("builtin", value.__module__, value.__qualname__)
    yield None if isinstance(owner, ModuleType) else owner


@_parts.register
def _(value: partial) -> Iterator[object]:  # type: ignore[type-arg]
    yield from (type(value), value.func, value.args, value.keywords)


@_parts.register(staticmethod)
@_parts.register(classmethod)
def _(value: staticmethod) -> Iterator[object]:  # type: ignore[type-arg]
    yield from (type(value), value.__func__)


@_parts.register
def _(value: property) -> Iterator[object]:
    yield from (property, value.fget, value.fset, value.fdel)


@_parts.register
def _(value: ModuleType) -> Iterator[object]:
    name = value.__name__
    yield from ("module", name if _is_ground(name) or not in_a_file(name) else _Source(source_sha256(name)))


def _is_ground(module: str) -> bool:
    return module.partition(".")[0] in GROUND


def _slots(kind: type) -> list[str]:
    slots = vars(kind).get("__slots__", ())
    named = [slots] if isinstance(slots, str) else [*slots]
    return [name for name in named if name not in ("__dict__", "__weakref__")]


def _globals_of(code: CodeType) -> list[str]:
    """The names of a module that a function reads, and what is defined in it."""
    found = {one.argval: None for one in dis.get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for part in code.co_consts:
        if isinstance(part, CodeType):
            found |= dict.fromkeys(_globals_of(part))
    return [*found]

"""Whether an object from anywhere has what a Protocol asks for, and nothing that looks like a typo of it."""

from __future__ import annotations

import inspect
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from textwrap import shorten
from typing import Any, get_type_hints

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

ALIKE = 0.75
"""Similarity, by `difflib`, from which on a name is taken for another one misspelt."""


def fault_of(found: object, wanted: type, *optional: type) -> str | None:
    """What is wrong with an object or a class, in a few words; None if nothing is.

    It must have all that the Protocol `wanted` says, and may have what the `optional` ones say: methods that take the
    same number of arguments, and attributes of the type that is annotated there. A public method or class attribute of
    its own whose name is nearly one of theirs is a fault, too: it would be ignored in silence.
    """
    known = [member for protocol in (wanted, *optional) for member in _members(protocol)]
    for protocol in (wanted, *optional):
        for member in _members(protocol):
            if not _has(found, member, protocol):
                if protocol is wanted and not _is_field(found, member):
                    return _absent(found, member, known)
                continue
            fault = _misfit(found, member, protocol)
            if fault:
                return fault
    for name in _own(found):
        near = None if name in known else _near(name, known)
        if near:
            return f"has {name}, which nothing asks for; did you mean {near}? What is its own may begin with _"
    return None


def call_fault(function: object, *arguments: str, **keywords: object) -> str | None:
    """What is wrong with `function`, if it cannot be called with these positional arguments and keywords."""
    if not callable(function):
        return f"is a {type(function).__name__}, which cannot be called"
    try:
        signature = inspect.signature(function)
    except ValueError:
        return None  # some that are written in C do not tell
    try:
        signature.bind(*arguments, **keywords)
    except TypeError as error:
        return f"takes {signature}, not ({', '.join([*arguments, *keywords])}): {error}"
    return None


@cache
def _members(protocol: type) -> tuple[str, ...]:
    """The names of what a Protocol says, by itself and by those that it extends."""
    parts = [part for part in protocol.__mro__ if getattr(part, "_is_protocol", False)]
    names = dict.fromkeys(name for part in parts for name in (*vars(part), *getattr(part, "__annotations__", ())))
    return tuple(name for name in names if not name.startswith("_") or name == "__call__")


@cache
def _type_of(protocol: type, member: str) -> TypeAdapter[Any] | None:
    """What an attribute must be, as a Protocol says it; None where that cannot be checked."""
    asked = inspect.getattr_static(protocol, member, None)
    hint = get_type_hints(asked.fget)["return"] if isinstance(asked, property) else get_type_hints(protocol)[member]
    try:
        return TypeAdapter(hint, config=ConfigDict(strict=True, arbitrary_types_allowed=True))
    except PydanticUserError:  # such as another Protocol
        return None


def _has(found: object, member: str, protocol: type) -> bool:
    """Whether `member` is there; the empty methods that a class inherits from the Protocol itself do not count."""
    if not hasattr(found, member):
        return False
    asked = inspect.getattr_static(protocol, member, None)
    return asked is None or inspect.getattr_static(found, member, None) is not asked


def _misfit(found: object, member: str, protocol: type) -> str | None:
    asked = inspect.getattr_static(protocol, member, None)
    value = getattr(found, member)
    if inspect.isfunction(asked):
        arguments = [*inspect.signature(asked).parameters][1:]
        own = inspect.getattr_static(found, member, None)
        if isinstance(found, type) and inspect.isfunction(own):
            arguments = ["self", *arguments]
        fault = call_fault(value, *arguments)
        return f"has a {member} that {fault}" if fault else None
    if isinstance(found, type) and isinstance(value, property):
        return None  # its value shows on an object alone
    wanted = _type_of(protocol, member)
    try:
        if wanted:
            wanted.validate_python(value)
    except ValidationError as error:
        return f"has {member} = {shorten(repr(value), 60)}: {error.errors()[0]['msg'].lower()}"
    return None


def _absent(found: object, member: str, known: list[str]) -> str:
    near = [name for name in _own(found) if name not in known and _near(name, [member])]
    hint = f"; did you mean it by {near[0]}?" if near else ""
    return f"has no {member}{hint}" if member != "__call__" else f"cannot be called: it has no __call__{hint}"


def _own(found: object) -> list[str]:
    """The public methods and attributes of a class that are no fields, and those of its bases in the same module."""
    kind = found if isinstance(found, type) else type(found)
    named = {field.name for field in fields(kind)} if is_dataclass(kind) else set()
    own = [part for part in kind.__mro__ if part.__module__ == kind.__module__]
    return [name for part in own for name in vars(part) if not name.startswith("_") and name not in named]


def _near(name: str, known: list[str]) -> str | None:
    """What `name` was meant to be: a name that is nearly the same, or that begins so."""
    begun = [one for one in known if len(name) >= 3 and one.startswith(name)]
    return next(iter(begun or get_close_matches(name, known, n=1, cutoff=ALIKE)), None)


def _is_field(found: object, member: str) -> bool:
    return is_dataclass(found) and any(field.name == member for field in fields(found))

"""Where attacks and their parts enter, ours and others': each is checked for all that it must have and may have."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from reprlib import repr as shown
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from ..benchmark.protocol.conforming import call_fault, fault_of
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.faults import in_words
from ..benchmark.protocol.tasks.registry import TASKS
from ..benchmark.protocol.types import Attack, SplitAttack
from .balancing.base import Balancing, Finishing, WithObjective
from .traits import OF_ATTACKS, OF_BALANCINGS

Loss = Callable[[Tensor, Tensor], Tensor]
Losses = Mapping[str, Loss]
"""Losses (prediction, truth) -> (B,) by kind of task."""

Kind = Literal["balancing", "optimizer", "attack", "losses"]
SHOWN: Mapping[Kind, str] = {
    "balancing": "a balancing",
    "optimizer": "an optimizer",
    "attack": "a whole attack",
    "losses": "a set of losses",
}
WRITTEN: Mapping[Kind, str] = {
    "balancing": "{}-pgd, or with any other optimizer",
    "optimizer": "total-{}, or with any other balancing",
    "attack": "{}",
    "losses": "total-pgd@{}, or behind any other attack",
}

VARIABLE, KEYWORDS = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD

# What says something of the code is no setting of it.
FACTS = ("version", "requires", "examples", "spares", "black_box", "control", "standard")


PLAIN = {bool, int, float, str, type(None)}
"""Types of settings that a value can be held to."""


def kind_of(found: object) -> Kind | None:
    """What an object looks like, rightly written or not."""
    if isinstance(found, Mapping):
        return "losses"
    if not isinstance(found, type):
        return "attack" if callable(found) else None
    if issubclass(found, nn.Module):
        return None
    if any("__call__" in vars(part) for part in found.__mro__[:-1]):
        return "optimizer" if "balancing" in settings_of_class(found) else "attack"
    return "balancing" if hasattr(found, "fields") or hasattr(found, "direction") else None


def settings_of_class(factory: object) -> tuple[str, ...]:
    """The settings of what a dataclass makes: its fields."""
    if not (isinstance(factory, type) and is_dataclass(factory)):
        return ()
    return tuple(field.name for field in fields(factory) if field.init)


def check_settings(factory: object, given: Mapping[str, object], name: str) -> None:
    """Refuse a setting that is no number, text or truth value where the class's field says that it is one."""
    try:
        hints = get_type_hints(factory)
    except Exception:  # others' annotations may name anything
        return
    for setting, value in given.items():
        hint = hints.get(setting)
        kind: Any = str if get_origin(hint) is Literal else hint  # the class itself says which texts it knows
        if not {*(get_args(kind) or (kind,))} <= PLAIN:
            continue
        try:
            TypeAdapter(kind).validate_python(value, strict=True)
        except ValidationError as error:
            raise BadInputError(f"{setting} of {name}: {in_words(error.errors()[0])}, not {shown(value)}") from error


def check_balancing(found: object, name: str) -> Callable[..., Balancing]:
    """The class of a balancing; raises BadInputError for anything else."""
    _check_kind(found, name, "balancing")
    _check_class(found, name, "balancing")
    _raise(fault_of(found, Balancing, WithObjective, Finishing, *OF_BALANCINGS), name, "balancing")
    return cast(Callable[..., Balancing], found)


def check_optimizer(found: object, name: str) -> Callable[..., Attack]:
    """The class of an optimizer, an attack with a field `balancing`; raises BadInputError for anything else."""
    _check_kind(found, name, "optimizer")
    _check_class(found, name, "optimizer")
    needed = [field.name for field in fields(cast(type, found)) if field.default is field.default_factory is MISSING]
    if needed != ["balancing"]:
        raise BadInputError(f"optimizer {name!r} must need the field balancing and no other, not {', '.join(needed)}")
    _raise(fault_of(found, Attack, SplitAttack, *OF_ATTACKS), name, "optimizer")
    return cast(Callable[..., Attack], found)


def check_attack(found: object, name: str) -> Callable[..., Attack]:
    """What makes a whole attack: its class, a function without arguments, or of a function that is one, itself.

    Raises BadInputError for anything else.
    """
    _check_kind(found, name, "attack")
    if isinstance(found, type):
        _check_class(found, name, "attack")
        _raise(fault_of(found, Attack, SplitAttack, *OF_ATTACKS), name, "attack")
        return cast(Callable[..., Attack], found)
    if not inspect.isroutine(found):
        raise BadInputError(f"attack {name!r} is an object of class {type(found).__name__}; name the class instead")
    if call_fault(found) is None:
        return cast(Callable[..., Attack], found)
    fault = call_fault(found, "model", "batch", "threat", "noise")
    if fault:
        raise BadInputError(f"attack {name!r} is no class, and as a function it {fault}")
    return lambda: cast(Attack, found)


def check_made(attack: object, name: str) -> Attack:
    """An attack that a function or a class has made; raises BadInputError if it is none, or if its task is no text."""
    _raise(fault_of(attack, Attack, SplitAttack, *OF_ATTACKS), name, "attack")
    return cast(Attack, attack)


def check_losses(found: object, name: str) -> Losses:
    """A set of losses; raises BadInputError for anything else, and for a task whose name is nearly that of another."""
    _check_kind(found, name, "losses")
    losses = cast(Mapping[object, object], found)
    if not losses:
        raise BadInputError(
            f"losses {name!r} name no task; map the kinds of tasks to functions of prediction and truth"
        )
    for task, loss in losses.items():
        if not isinstance(task, str):
            raise BadInputError(f"losses {name!r} must map the names of kinds of tasks to functions, not {task!r}")
        near = get_close_matches(task, TASKS, n=1, cutoff=0.75)
        if near and task not in TASKS:
            raise BadInputError(f"losses {name!r} name the task {task!r}; did you mean {near[0]}?")
        fault = call_fault(loss, "prediction", "truth")
        if fault:
            raise BadInputError(f"losses {name!r}: that of {task} {fault}")
    return cast(Losses, found)


def _check_kind(found: object, name: str, wanted: Kind) -> None:
    kind = kind_of(found)
    if kind is None:
        thing = f"the class {found.__name__}" if isinstance(found, type) else f"a {type(found).__name__}"
        raise BadInputError(f"{wanted} {name!r} is {thing}, not {SHOWN[wanted]}; docs/attacks.md says what that has")
    if kind != wanted:
        raise BadInputError(
            f"{wanted} {name!r} is {SHOWN[kind]}, not {SHOWN[wanted]}; write {WRITTEN[kind].format(name)}"
        )


def _check_class(found: object, name: str, kind: Kind) -> None:
    if not isinstance(found, type):
        raise BadInputError(f"{kind} {name!r} must be a class")
    settings = settings_of_class(found)
    hidden = [one.name for one in inspect.signature(found).parameters.values() if one.kind not in (VARIABLE, KEYWORDS)]
    if {*hidden} - {*settings}:
        raise BadInputError(f"{kind} {name!r} takes {hidden[0]}, which no record would name; make it a dataclass")
    wrong = [fact for fact in FACTS if fact in settings]
    if wrong:
        raise BadInputError(f"{kind} {name!r} has {wrong[0]} as a setting, which it is not; make it a ClassVar")


def _raise(fault: str | None, name: str, kind: Kind) -> None:
    if fault:
        raise BadInputError(f"{kind} {name!r} {fault}; docs/attacks.md says what {SHOWN[kind]} has")

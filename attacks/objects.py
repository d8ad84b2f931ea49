"""What an attack is called, and how it was set, that came as an object and not by a name."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from types import FunctionType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..benchmark.protocol.cells import STRICT, Setting
from ..benchmark.protocol.digest import digest
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.facts import TRAIN
from ..benchmark.protocol.references import Reference
from ..benchmark.protocol.registry import Registry
from ..benchmark.protocol.source import in_a_file
from ..benchmark.protocol.types import Attack
from .doors import settings_of_class
from .losses.ascending import Ascending
from .naming import AttackName
from .parts import balancing_of, innermost
from .registry import required
from .tables import BALANCINGS, OPTIMIZERS, WHOLE

_SETTING: TypeAdapter[Setting] = TypeAdapter(Setting, config=STRICT)


def name_of(attack: Attack) -> AttackName:
    """The name under which `load_attack` makes the attack again, if there is one.

    Parts that are neither registered nor lie in a module, as those of a notebook do not, are called as their class is.
    """
    inner, balancing = innermost(attack), balancing_of(attack)
    losses = attack.losses if isinstance(attack, Ascending) else TRAIN
    if balancing is None:
        return AttackName(_called(inner, WHOLE), _argument(inner), losses=losses)
    return AttackName(_called(balancing, BALANCINGS), _argument(balancing), _called(inner, OPTIMIZERS), losses)


def settings_of_object(attack: Attack) -> dict[str, Setting]:
    """The fields of the attack and of its balancing, but for the argument in its name, by name.

    A value that no file can hold is told by its type and digest. Raises BadInputError for a field that both have.
    """
    inner, balancing = innermost(attack), balancing_of(attack)
    settings: dict[str, Setting] = {}
    for part in (inner, balancing):
        for key in settings_of_class(type(part)):
            if key in settings:
                raise BadInputError(
                    f"attack {str(name_of(attack))!r}: both of its parts have a field {key}; rename one"
                )
            if key != "balancing" and not (part is (balancing or inner) and key == required(type(part))):
                settings[key] = _plain(getattr(part, key))
    return settings


def _called(part: object, registry: Registry[Any]) -> str:
    found = part if isinstance(part, FunctionType) else type(part)
    place = f"{found.__module__}:{found.__qualname__}"
    targets: Mapping[str, str | EntryPoint] = {**registry.entries, **registry.plugins}
    for name, target in targets.items():
        if place == (target if isinstance(target, str) else target.value):
            return name
    reference = Reference.parse(place)
    return place if reference and _leads_to(reference, found) else found.__name__.strip("<>")


def _leads_to(reference: Reference, found: object) -> bool:
    module = sys.modules.get(reference.place)
    if module is None or module.__spec__ is None or not in_a_file(reference.place):
        return False  # a script's, a notebook's, or that of a file that was run by its path
    there: object = module
    for name in reference.name.split("."):
        there = getattr(there, name, None)
    return there is found


def _argument(part: object) -> str | None:
    needed = required(type(part))
    return None if needed is None else str(getattr(part, needed))


def _plain(value: object) -> Setting:
    value = [*value] if isinstance(value, tuple) else value
    try:
        return _SETTING.validate_python(value)
    except ValidationError:
        return f"{type(value).__name__} {digest(value)[:16]}"

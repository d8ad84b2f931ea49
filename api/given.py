"""Attacks as a cell has them, by name or as an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from ..attacks.doors import check_made
from ..attacks.objects import name_of
from ..attacks.registry import attack_facts, facts_of, load_attack, parse, settings_of
from ..benchmark.protocol.cells import AttackRef
from ..benchmark.protocol.conforming import call_fault
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.facts import AttackFacts
from ..benchmark.protocol.types import Attack
from .identity import attack_object_ref, attack_ref


@dataclass(frozen=True)
class GivenAttack:
    """An attack, with what cells and records say of it."""

    attack: Attack
    ref: AttackRef
    facts: AttackFacts


def named_attack(name: str, defaults: Mapping[str, object]) -> GivenAttack:
    """The attack called `name`, with those of the `defaults` that it has such settings for.

    Raises BadInputError for an unknown one, and for settings that it does not take.
    """
    parsed = parse(name)
    plain = str(parsed.plain)
    own = settings_of(plain)
    made = load_attack(plain, **{**{key: value for key, value in defaults.items() if key in own}, **parsed.settings})
    return GivenAttack(made, attack_ref(plain, made), attack_facts(plain, made))


def attack_object(attack: object) -> GivenAttack:
    """The attack `attack`, called as `load_attack` would call it, or as its class is.

    Raises BadInputError, which says what it lacks, for an object that is no attack.
    """
    if isinstance(attack, type):
        raise BadInputError(f"the attack is the class {attack.__name__}; call it, as in {attack.__name__}()")
    what = type(attack).__name__
    fault = call_fault(attack, "model", "batch", "threat", "noise")
    if fault:
        raise BadInputError(f"the attack must be a name or an object of an attack's class; a {what} {fault}")
    made = check_made(cast(Attack, attack), what)
    return GivenAttack(made, attack_object_ref(made), facts_of(name_of(made), made))

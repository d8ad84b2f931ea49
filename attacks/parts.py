"""The objects that an attack is made of."""

from __future__ import annotations

from collections.abc import Sequence

from ..benchmark.protocol.errors import unknown
from ..benchmark.protocol.types import Attack
from .balancing.base import Balancing
from .losses.ascending import Ascending
from .traits import Balanced, WithTask


def innermost(attack: Attack) -> Attack:
    """The attack inside of one that gives it other losses."""
    return innermost(attack.attack) if isinstance(attack, Ascending) else attack


def balancing_of(attack: Attack) -> Balancing | None:
    """The balancing inside of an attack; None if there is none."""
    inner = innermost(attack)
    return inner.balancing if isinstance(inner, Balanced) else None


def components(attack: Attack) -> tuple[object, ...]:
    """The objects that an attack is made of, innermost first: balancing, optimizer or whole attack, losses."""
    if isinstance(attack, Ascending):
        return (*components(attack.attack), attack)
    return (attack.balancing, attack) if isinstance(attack, Balanced) else (attack,)


def tasks_of(attack: Attack) -> tuple[str, ...]:
    """The tasks that parts of an attack name: the one that a balancing is after, or spares."""
    return tuple(part.task for part in components(attack) if isinstance(part, WithTask))


def check_tasks(name: str, attack: Attack, tasks: Sequence[str]) -> None:
    """Raises BadInputError if an attack is after a task, or spares one, that is not among `tasks`."""
    for task in tasks_of(attack):
        if task not in tasks:
            raise unknown(f"task of attack {name!r}:", task, tasks)

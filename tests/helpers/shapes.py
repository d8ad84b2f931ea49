"""The shapes that signatures speak of, checked at every call while tests run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from beartype import beartype
from jaxtyping import AbstractArray, jaxtyped

from mtrbench.attacks.balancing.base import Balancing, Finishing, WithObjective
from mtrbench.attacks.losses.registry import LOSSES
from mtrbench.attacks.tables import BALANCINGS
from mtrbench.benchmark.protocol.tasks.base import Task
from mtrbench.benchmark.protocol.tasks.registry import TASKS
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import MultiTaskModel


def check_shapes_everywhere() -> None:
    """From here on, a tensor of another shape than its signature says is an error in every task and balancing.

    What a Protocol says holds for all that has its methods.
    """
    for name in LOSSES.entries:
        LOSSES.get(name)  # sets hold tasks' functions, which would be code from outside with the checks around them
    for kind in (ThreatModel, MultiTaskModel):
        _check(kind, kind)
    for name in TASKS.entries:
        _check(TASKS.get(name), Task)
    for name in BALANCINGS.entries:
        for protocol in (Balancing, WithObjective, Finishing):
            _check(BALANCINGS.get(name), protocol)


def _check(kind: type, said: type) -> None:
    for owner in (part for part in kind.__mro__ if part.__module__.startswith("mtrbench.")):
        for name, member in [*vars(owner).items()]:
            asked = vars(said).get(name)
            function = member.__func__ if isinstance(member, staticmethod) else member
            if inspect.isfunction(asked) and inspect.isfunction(function) and not hasattr(function, "__shaped__"):
                checked = _checked(function, asked)
                if checked is not None:
                    setattr(owner, name, staticmethod(checked) if isinstance(member, staticmethod) else checked)


def _checked(function: Callable[..., Any], asked: Callable[..., Any]) -> Callable[..., Any] | None:
    """`function` with the shapes of `asked`, by the order of their arguments; None if that says none."""
    hints = {name: hint for name, hint in get_type_hints(asked).items() if _says_a_shape(hint)}
    if not hints:
        return None
    wanted = [name for name in inspect.signature(asked).parameters if name != "self"]
    own = [name for name in inspect.signature(function).parameters if name != "self"]
    function.__annotations__ = {mine: hints[name] for mine, name in zip(own, wanted, strict=False) if name in hints}
    if "return" in hints:
        function.__annotations__["return"] = hints["return"]
    checked: Callable[..., Any] = jaxtyped(typechecker=beartype)(function)
    checked.__shaped__ = True  # type: ignore[attr-defined]
    return checked


def _says_a_shape(hint: Any) -> bool:
    parts = [hint, *getattr(hint, "__args__", ())]
    return any(isinstance(part, type) and issubclass(part, AbstractArray) for part in parts)

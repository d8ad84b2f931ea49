"""What attacks and their parts may say of themselves, each a Protocol: what is there counts, what is not is the usual.

They are checked where an object enters (see doors.py), so that a misspelt or ill-typed one is an error and not ignored.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from .balancing.base import Balancing


@runtime_checkable
class Versioned(Protocol):
    """`version`: of its code, which changes with every change that moves numbers."""

    @property
    def version(self) -> int | str: ...


@runtime_checkable
class Requiring(Protocol):
    """`requires`: the libraries of an extra that it needs, as they are imported; without them it is not listed."""

    @property
    def requires(self) -> tuple[str, ...]: ...


@runtime_checkable
class WithExamples(Protocol):
    """`examples`: arguments, where it needs one that is no task, for what runs every attack."""

    @property
    def examples(self) -> tuple[str, ...]: ...


@runtime_checkable
class WithTask(Protocol):
    """`task`: the one task that it is after, or spares."""

    @property
    def task(self) -> str: ...


@runtime_checkable
class Sparing(Protocol):
    """`spares`: whether its one task is the one that it leaves alone."""

    @property
    def spares(self) -> bool: ...


@runtime_checkable
class Stepping(Protocol):
    """`steps`: how many it takes."""

    @property
    def steps(self) -> int: ...


@runtime_checkable
class BlackBox(Protocol):
    """`black_box`: whether it asks for no gradients."""

    @property
    def black_box(self) -> bool: ...


@runtime_checkable
class Control(Protocol):
    """`control`: whether it is what attacks must beat, and knows nothing of the model."""

    @property
    def control(self) -> bool: ...


@runtime_checkable
class Ensemble(Protocol):
    """`member_names`: the attacks that it keeps the worst of."""

    @property
    def member_names(self) -> tuple[str, ...]: ...


@runtime_checkable
class Standard(Protocol):
    """`standard`: whether it is the standard evaluation, by whose numbers models are compared."""

    @property
    def standard(self) -> bool: ...


@runtime_checkable
class Balanced(Protocol):
    """`balancing`: what an optimizer iterates."""

    @property
    def balancing(self) -> Balancing: ...


OF_ANY_PART = (Versioned, Requiring, WithExamples, WithTask)
OF_BALANCINGS = (*OF_ANY_PART, Sparing)
OF_ATTACKS = (*OF_ANY_PART, BlackBox, Control, Ensemble, Standard)


def sees_no_gradients(attack: object) -> bool:
    """Whether an attack asks for no gradients; a control, which asks for nothing, is one of these."""
    return (isinstance(attack, BlackBox) and attack.black_box) or is_control(attack)


def is_control(attack: object) -> bool:
    """Whether an attack is what attacks must beat."""
    return isinstance(attack, Control) and attack.control

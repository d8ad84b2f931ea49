"""All attacks by name, and each in one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from inspect import getdoc

from ..benchmark.protocol.facts import AttackKind
from .doors import settings_of_class
from .registry import attack_facts, load_attack, parse, required
from .tables import BALANCINGS, OPTIMIZERS, WHOLE
from .traits import Requiring, WithExamples

Factory = Callable[..., object]


def names() -> tuple[str, ...]:
    """All attacks as `mtrbench list attacks` shows them; an argument that must be given stands in capitals.

    Balancings that need a library of an extra, named in their `requires`, are left out where it is not installed, and
    so are those beside an optimizer with a setting of the same name.
    """
    return _listed(lambda name, factory: [shown(name, factory)])


def full_names(tasks: Sequence[str]) -> tuple[str, ...]:
    """All of `names()` with the arguments that they need: each of `tasks`, or else each of their class's `examples`."""
    return _listed(lambda name, factory: _with_arguments(name, factory, tasks))


def kind_of(name: str) -> AttackKind:
    """Whether an attack is a product, whole, a black box, a control or an ensemble."""
    return attack_facts(name, load_attack(name)).kind


def summary(name: str) -> str:
    """The first line about one of `names()`: about its balancing, or about the whole attack."""
    parsed = parse(name)
    return first_line((BALANCINGS if parsed.optimizer else WHOLE).get(parsed.head))


def first_line(factory: object) -> str:
    """The first line that something says about itself."""
    return (getdoc(factory) or "").partition("\n")[0]


def shown(name: str, factory: Factory) -> str:
    """A registered name, with the argument that it needs in capitals."""
    needed = required(factory)
    return f"{name}:{needed.upper()}" if needed else name


def _listed(written: Callable[[str, Factory], Sequence[str]]) -> tuple[str, ...]:
    products = (
        f"{head}-{optimizer}"
        for name, balancing in BALANCINGS.working()
        if installed(balancing)
        for head in written(name, balancing)
        for optimizer, factory in OPTIMIZERS.working()
        if not {*settings_of_class(balancing)} & {*settings_of_class(factory)}
    )
    return (*products, *(head for name, factory in WHOLE.working() for head in written(name, factory)))


def _with_arguments(name: str, factory: Factory, tasks: Sequence[str]) -> list[str]:
    needed = required(factory)
    if needed is None:
        return [name]
    examples = factory.examples if isinstance(factory, WithExamples) else ()
    return [f"{name}:{argument}" for argument in (tasks if needed == "task" else examples)]


def installed(factory: object) -> bool:
    """Whether the libraries of an extra that it needs are there."""
    return not isinstance(factory, Requiring) or all(find_spec(library) for library in factory.requires)

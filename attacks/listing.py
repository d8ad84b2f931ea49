"""All attacks by name, and each in one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from inspect import getdoc

from ..benchmark.protocol.facts import AttackKind
from ..benchmark.protocol.references import Reference
from .doors import Kind, settings_of_class
from .doors import kind_of as kind_of_object
from .losses.registry import LOSSES
from .registry import attack_facts, load_attack, parse, required
from .tables import BALANCINGS, NAMES, OPTIMIZERS, WHOLE
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


def attack_with(part: str) -> tuple[str, Kind]:
    """The simplest attack that a name stands for, and what it is the name of.

    Of a balancing it is that by `pgd`, of an optimizer TOTAL by that, of losses `total-pgd` on them; an attack is
    itself. `part` may have an argument and settings. Raises BadInputError for what cannot be found.
    """
    plain, bracket, settings = part.partition("[")
    kind = _kind_of_part(plain)
    name = {"balancing": f"{plain}-pgd", "optimizer": f"total-{plain}", "losses": f"total-pgd@{plain}"}.get(kind, plain)
    return f"{name}{bracket}{settings}", kind


def _kind_of_part(name: str) -> Kind:
    parsed = NAMES.parse(name)
    if parsed and parsed.optimizer:  # whose argument may look like one of a balancing alone
        return "attack"
    component = NAMES.component(name)
    if component and component[0] in BALANCINGS:
        return "balancing"
    if name in OPTIMIZERS or name in LOSSES:
        return "optimizer" if name in OPTIMIZERS else "losses"
    reference = Reference.parse(component[0]) if component else None
    return kind_of_object(reference.load("attack")) or "attack" if reference else "attack"


def summary(name: str) -> str:
    """The first line about one of `names()`: about its balancing, or about the whole attack."""
    parsed = parse(name)
    return first_line((BALANCINGS if parsed.optimizer else WHOLE).get(parsed.head))


def family(name: str) -> str | None:
    """The balancing of one of `names()`, as `mtrbench list attacks` shows it; None for a whole attack."""
    parsed = parse(name)
    return name.removesuffix(f"-{parsed.optimizer}") if parsed.optimizer else None


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
    whole = (head for name, factory in WHOLE.working() for head in written(name, factory))
    return tuple(dict.fromkeys((*products, *whole)))  # a whole attack goes before a product of its name


def _with_arguments(name: str, factory: Factory, tasks: Sequence[str]) -> list[str]:
    needed = required(factory)
    if needed is None:
        return [name]
    examples = factory.examples if isinstance(factory, WithExamples) else ()
    return [f"{name}:{argument}" for argument in (tasks if needed == "task" else examples)]


def installed(factory: object) -> bool:
    """Whether the libraries of an extra that it needs are there."""
    return not isinstance(factory, Requiring) or all(find_spec(library) for library in factory.requires)

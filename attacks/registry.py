"""Every attack by name: `<balancing>-<optimizer>` for the products, a name of its own for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, cast

from ..benchmark.protocol.errors import BadInputError, unknown
from ..benchmark.protocol.registry import Registry
from ..benchmark.protocol.types import Attack

Factory = Callable[..., Any]

BALANCINGS = Registry(
    "balancing",
    {
        "single": "mtrbench.attacks.balancing.single:Single",
        "total": "mtrbench.attacks.balancing.total:Total",
        "signsum": "mtrbench.attacks.balancing.signsum:SignSum",
        "dgba": "mtrbench.attacks.balancing.dgba:Dgba",
    },
)
OPTIMIZERS = Registry(
    "optimizer",
    {
        "fgsm": "mtrbench.attacks.optimizers.fgsm:FGSM",
        "pgd": "mtrbench.attacks.optimizers.pgd:PGD",
    },
)
WHOLE = Registry("attack", {"noise": "mtrbench.attacks.noise:SignNoise"}, group="mtrbench.attacks")


def names() -> tuple[str, ...]:
    """All attacks as `mtrbench list attacks` shows them; a balancing that takes an argument shows its name for it."""
    products = [f"{_shown(balancing)}-{optimizer}" for balancing in BALANCINGS for optimizer in OPTIMIZERS]
    return (*products, *WHOLE)


def _shown(balancing: str) -> str:
    argument = _required_field(cast(Factory, BALANCINGS.get(balancing)))
    return f"{balancing}:{argument.upper()}" if argument else balancing


def _required_field(factory: Factory) -> str | None:
    """The first field of a balancing, if it must be given."""
    if not is_dataclass(factory) or not fields(factory):
        return None
    first = fields(factory)[0]
    return first.name if first.default is MISSING else None


def load_attack(name: str, **settings: object) -> Attack:
    """The attack called `name`, with `settings` for its optimizer's or balancing's fields.

    `balancing[:argument]-optimizer` (`total-pgd`, `single:depth-fgsm`, `dgba:clean-pgd`: the argument is the balancing's
    first field), a whole attack's name, or `pkg.module:object`. Raises BadInputError for an unknown name or setting.
    """
    if name in WHOLE or ("." in name and ":" in name):
        return cast(Attack, _build(name, cast(Factory, WHOLE.get(name)), settings))
    head, dash, optimizer = name.rpartition("-")
    balancing, colon, argument = head.partition(":")
    if not dash or balancing not in BALANCINGS or optimizer not in OPTIMIZERS:
        raise unknown("attack", name, names())
    outer, inner = cast(Factory, OPTIMIZERS.get(optimizer)), cast(Factory, BALANCINGS.get(balancing))
    inner_names = [field.name for field in fields(inner)]
    inner_settings = {key: settings.pop(key) for key in list(settings) if key in inner_names}
    if colon:
        if not inner_names:
            raise BadInputError(f"attack {name!r}: {balancing} takes no argument; write {balancing}-{optimizer}")
        inner_settings = {inner_names[0]: argument} | inner_settings
    elif _required_field(inner):
        raise BadInputError(f"attack {name!r}: {balancing} needs its {inner_names[0]}; write {balancing}:NAME-{optimizer}")
    return cast(Attack, _build(name, outer, {"balancing": _build(name, inner, inner_settings), **settings}))


def _build(name: str, factory: Factory, settings: dict[str, object]) -> object:
    if not callable(factory):
        raise BadInputError(f"attack {name!r} is not a class or function that makes an attack")
    known = [field.name for field in fields(factory)] if is_dataclass(factory) else list(settings)
    for key in settings:
        if key not in known:
            raise unknown(f"setting of attack {name!r}:", key, known)
    return factory(**settings)

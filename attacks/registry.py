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


def _is_product(name: str) -> bool:
    head, _, optimizer = name.rpartition("-")
    return head.partition(":")[0] in BALANCINGS and optimizer in OPTIMIZERS


for _name in WHOLE:
    if _is_product(_name):
        raise BadInputError(f"attack {_name!r} of a plug-in is taken; rename it or uninstall it")


def names() -> tuple[str, ...]:
    """All attacks as `mtrbench list attacks` shows them; a balancing's argument stands in capitals."""
    return (*(f"{_shown(balancing)}-{optimizer}" for balancing in BALANCINGS for optimizer in OPTIMIZERS), *WHOLE)


def load_attack(name: str, **settings: object) -> Attack:
    """The attack called `name`, with `settings` for its optimizer's or balancing's fields.

    `balancing[:argument]-optimizer` (`total-pgd`, `single:depth-fgsm`, `dgba:clean-pgd`: the argument is the
    balancing's first field), a whole attack's name, or `pkg.module:object`. Raises BadInputError for an unknown name or
    setting.
    """
    outer, inner, argument = _parts(name)
    for key in settings:
        if key not in settings_of(name):
            raise unknown(f"setting of attack {name!r}:", key, settings_of(name))
    if inner is None:
        try:
            return cast(Attack, outer(**settings))
        except TypeError as error:
            raise BadInputError(f"attack {name!r} cannot be made: {error}") from error
    mine = {key: settings.pop(key) for key in _fields(inner) if key in settings}
    return cast(Attack, outer(balancing=inner(**argument, **mine), **settings))


def settings_of(name: str) -> tuple[str, ...]:
    """The settings that `load_attack` takes for an attack."""
    outer, inner, argument = _parts(name)
    own = tuple(key for key in _fields(outer) if key != "balancing")
    return own if inner is None else (*own, *(key for key in _fields(inner) if key not in argument))


def describe(name: str, attack: Attack) -> tuple[str, dict[str, Any]]:
    """The version of an attack's code and all its settings: `load_attack(name, **settings)` makes it again."""
    balancing = getattr(attack, "balancing", None)
    parts = [part for part in (attack, balancing) if part is not None]
    version = ".".join(str(getattr(part, "version", 1)) for part in parts)
    return version, {key: getattr(part, key) for key in settings_of(name) for part in parts if hasattr(part, key)}


def _parts(name: str) -> tuple[Factory, Factory | None, dict[str, str]]:
    """What makes the attack, what makes its balancing (if it has one), and the balancing's argument by its name."""
    if name in WHOLE or ("." in name and ":" in name):
        outer = WHOLE.get(name)
        if not callable(outer):
            raise BadInputError(f"attack {name!r} is not a class or function that makes an attack")
        return outer, None, {}
    head, _, optimizer = name.rpartition("-")
    balancing, colon, argument = head.partition(":")
    if not _is_product(name):
        raise unknown("attack", name, names())
    outer, inner = cast(Factory, OPTIMIZERS.get(optimizer)), cast(Factory, BALANCINGS.get(balancing))
    required = _required(inner)
    if colon and not _fields(inner):
        raise BadInputError(f"attack {name!r}: {balancing} takes no argument; write {balancing}-{optimizer}")
    if required and not argument:
        raise BadInputError(f"attack {name!r} lacks its {required}; write {balancing}:{required.upper()}-{optimizer}")
    return outer, inner, {_fields(inner)[0]: argument} if colon else {}


def _fields(factory: Factory) -> tuple[str, ...]:
    return tuple(field.name for field in fields(factory)) if is_dataclass(factory) else ()


def _required(factory: Factory) -> str | None:
    """The first field, if it has no default."""
    first = fields(factory)[0] if is_dataclass(factory) and fields(factory) else None
    return first.name if first and first.default is MISSING else None


def _shown(balancing: str) -> str:
    required = _required(cast(Factory, BALANCINGS.get(balancing)))
    return f"{balancing}:{required.upper()}" if required else balancing

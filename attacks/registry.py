"""Every attack by name: `<balancing>-<optimizer>` for the products, a name of its own for the rest."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from importlib.util import find_spec
from typing import Any, cast

from ..benchmark.protocol.errors import BadInputError, unknown
from ..benchmark.protocol.facts import AttackFacts, AttackKind
from ..benchmark.protocol.registry import Registry
from ..benchmark.protocol.types import Attack, SplitAttack
from .losses import SETS, TRAIN
from .losses.ascending import Ascending, AscendingSplit

Factory = Callable[..., Any]

BALANCINGS: Registry[Any] = Registry(
    "balancing",
    {
        "single": "mtrbench.attacks.balancing.single:Single",
        "total": "mtrbench.attacks.balancing.total:Total",
        "signsum": "mtrbench.attacks.balancing.signsum:SignSum",
        "dgba": "mtrbench.attacks.balancing.dgba:Dgba",
        "dgba-worst": "mtrbench.attacks.balancing.dgba_worst:DgbaWorst",
        "dgba-protected": "mtrbench.attacks.balancing.dgba_protected:DgbaProtected",
        "dgba-sparse": "mtrbench.attacks.balancing.dgba_sparse:DgbaSparse",
        "dgba-grid": "mtrbench.attacks.balancing.dgba_grid:DgbaGrid",
        "wgd": "mtrbench.attacks.balancing.wgd:Wgd",
        "smta": "mtrbench.attacks.balancing.smta:Smta",
        "minmax": "mtrbench.attacks.balancing.minmax:MinMax",
        "moo": "mtrbench.attacks.balancing.moo:Moo",
        "random-task": "mtrbench.attacks.balancing.random_task:RandomTask",
        "mgda": "mtrbench.attacks.balancing.jacobian:MGDA",
        "pcgrad": "mtrbench.attacks.balancing.jacobian:PCGrad",
        "cagrad": "mtrbench.attacks.balancing.jacobian:CAGrad",
        "imtl-g": "mtrbench.attacks.balancing.jacobian:IMTLG",
        "nash-mtl": "mtrbench.attacks.balancing.jacobian:NashMTL",
        "upgrad": "mtrbench.attacks.balancing.jacobian:UPGrad",
        "aligned-mtl": "mtrbench.attacks.balancing.jacobian:AlignedMTL",
    },
)
OPTIMIZERS: Registry[Any] = Registry(
    "optimizer",
    {
        "fgsm": "mtrbench.attacks.optimizers.fgsm:FGSM",
        "pgd": "mtrbench.attacks.optimizers.pgd:PGD",
        "mim": "mtrbench.attacks.optimizers.mim:MIM",
        "ni": "mtrbench.attacks.optimizers.ni:NI",
        "vmi": "mtrbench.attacks.optimizers.vmi:VMI",
        "apgd": "mtrbench.attacks.optimizers.apgd:APGD",
    },
)


def _is_product(name: str) -> bool:
    head, _, optimizer = name.rpartition("-")
    return head.partition(":")[0] in BALANCINGS and optimizer in OPTIMIZERS


WHOLE: Registry[Any] = Registry(
    "attack",
    {
        "noise": "mtrbench.attacks.whole.noise:Noise",
        "segpgd": "mtrbench.attacks.whole.segpgd:SegPGD",
        "cospgd": "mtrbench.attacks.whole.cospgd:CosPGD",
        "auto-saga": "mtrbench.attacks.whole.auto_saga:AutoSaga",
        "square": "mtrbench.attacks.whole.square:Square",
        "uap": "mtrbench.attacks.whole.uap:Uap",
        "worst-of": "mtrbench.attacks.whole.worst_of:WorstOf",
        "auto": "mtrbench.attacks.whole.auto:Auto",
    },
    group="mtrbench.attacks",
    refuses=lambda name: "the name is taken by a product" if _is_product(name) else None,
)


def names() -> tuple[str, ...]:
    """All attacks as `mtrbench list attacks` shows them; an argument that must be given stands in capitals.

    Balancings that need a library of an extra, named in their `requires`, are left out where it is not installed.
    """
    return _listed(lambda name, factory: [_shown(name, factory)])


def full_names(tasks: Sequence[str]) -> tuple[str, ...]:
    """All of `names()` with the arguments that they need: each of `tasks`, or else each of their class's `examples`."""
    return _listed(lambda name, factory: _with_arguments(name, factory, tasks))


def _listed(shown: Callable[[str, Factory], Sequence[str]]) -> tuple[str, ...]:
    balancings = {name: cast(Factory, BALANCINGS.get(name)) for name in BALANCINGS}
    products = (
        f"{head}-{optimizer}"
        for name, factory in balancings.items()
        if _installed(factory)
        for head in shown(name, factory)
        for optimizer in OPTIMIZERS
    )
    return (*products, *(head for name in WHOLE for head in shown(name, cast(Factory, WHOLE.get(name)))))


def kind_of(name: str) -> AttackKind:
    """Whether an attack is a product, whole, a black box, a control or an ensemble."""
    return attack_facts(name, load_attack(name)).kind


def summary(name: str) -> str:
    """The first line about one of `names()`: about its balancing, or about the whole attack."""
    outer, inner, _ = _parts(name)
    return (getattr(inner or outer, "__doc__", None) or "").partition("\n")[0]


def load_attack(name: str, /, **settings: object) -> Attack:
    """The attack called `name`, with `settings` for its optimizer's or balancing's fields.

    `balancing[:argument]-optimizer` (`total-pgd`, `single:depth-fgsm`, `dgba:clean-pgd`: the argument is the
    balancing's first field), a whole attack's name and, after a colon, its first field (`noise:uniform`), or
    `pkg.module:object`. It may end in `@` and a set of losses to ascend (`dgba-pgd@aligned`,
    `single:depth-pgd@relative`; `@train` is the plain attack), then in settings (`dgba-pgd[steps=20]`). All that
    follows the colon of a whole attack is its argument. Raises BadInputError for an unknown name, setting or set.
    """
    name, given = split_settings(name)
    settings = {**given, **settings}
    name, losses = _split(name)
    if losses != TRAIN:
        made = load_attack(name, **settings)
        return AscendingSplit(made, losses) if isinstance(made, SplitAttack) else Ascending(made, losses)
    outer, inner, argument = _parts(name)
    for key in settings:
        if key not in settings_of(name):
            raise unknown(f"setting of attack {name!r}:", key, settings_of(name))
    if inner is None:
        try:
            return cast(Attack, outer(**argument, **settings))
        except TypeError as error:
            raise BadInputError(f"attack {name!r} cannot be made: {error}") from error
    mine = {key: settings.pop(key) for key in _fields(inner) if key in settings}
    try:
        return cast(Attack, outer(balancing=inner(**argument, **mine), **settings))
    except TypeError as error:  # a setting of another type
        raise BadInputError(f"attack {name!r} cannot be made: {error}") from error


def split_settings(name: str) -> tuple[str, dict[str, object]]:
    """An attack's name without the settings in brackets behind it, and these: `tau=0.1` or `random_start=true`.

    Values are written as in TOML, strings without quotes too. Raises BadInputError if they cannot be read.
    """
    found = re.fullmatch(r"(.*[^\[\]])\[([^\[\]]*)\]", name)
    if found is None or (name.partition(":")[0] in WHOLE and ":" in name):
        return name, {}
    settings: dict[str, object] = {}
    for part in found[2].split(","):
        key, _, value = (text.strip() for text in part.partition("="))
        if not key.isidentifier() or not value or key in settings:
            raise BadInputError(f"attack {name!r}: write its settings as {found[1]}[steps=20,reach=2], each once")
        try:
            settings[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            settings[key] = value
    return found[1], settings


def settings_of(name: str) -> tuple[str, ...]:
    """The settings that `load_attack` takes for an attack."""
    outer, inner, argument = _parts(_split(split_settings(name)[0])[0])
    own = tuple(key for key in _fields(outer) if key not in ("balancing", *argument))
    return own if inner is None else (*own, *(key for key in _fields(inner) if key not in argument))


def components(attack: Attack) -> tuple[object, ...]:
    """The objects that an attack is made of, innermost first: balancing, optimizer or whole attack, losses."""
    inner = components(attack.attack) if isinstance(attack, Ascending) else ()
    balancing = getattr(attack, "balancing", None)
    return (*inner, *(part for part in (balancing, attack) if part is not None))


def check_tasks(name: str, attack: Attack, tasks: Sequence[str]) -> None:
    """Raises BadInputError if an attack is after a task, or spares one, that is not among `tasks`."""
    for part in components(attack):
        single = getattr(part, "task", tasks[0])  # the one task that a balancing is after, or spares
        if single not in tasks:
            raise unknown(f"task of attack {name!r}:", single, tasks)


def describe(name: str, attack: Attack) -> tuple[str, dict[str, Any]]:
    """The version of an attack's code and its settings: `load_attack(name, **settings)` makes it again."""
    parts = components(attack)
    version = ".".join(str(getattr(part, "version", 1)) for part in reversed(parts))
    return version, {key: getattr(part, key) for key in settings_of(name) for part in parts if hasattr(part, key)}


def attack_facts(name: str, attack: Attack) -> AttackFacts:
    """What an attack is, for boards: from the registry's parts of its name and from its objects."""
    plain, losses = _split(split_settings(name)[0])
    _, inner, argument = _parts(plain)
    parts = components(attack.attack if isinstance(attack, Ascending) else attack)
    balancing, own = parts[0], parts[-1]
    head, _, optimizer = plain.rpartition("-")
    return AttackFacts(
        kind="product" if inner else getattr(own, "attack_kind", "whole"),
        balancing=head.partition(":")[0] if inner else None,
        argument=str(next(iter(argument.values()))) if argument else None,
        optimizer=optimizer if inner else None,
        losses=losses,
        task=getattr(balancing, "task", None),
        spares=getattr(balancing, "spares", False),
        standard=getattr(own, "standard", False),
        one_step=inner is not None and not hasattr(own, "steps"),
        members=getattr(own, "names", ()),
    )


def _split(name: str) -> tuple[str, str]:
    """The attack's name without the set of losses, and the set."""
    plain, at, losses = name.rpartition("@")
    if not at or (":" in name and name.partition(":")[0] in WHOLE):
        return name, TRAIN
    if losses not in SETS:
        raise unknown(f"losses of attack {plain!r}:", losses, SETS)
    return plain, losses


def _parts(name: str) -> tuple[Factory, Factory | None, dict[str, object]]:
    """What makes the attack, what makes its balancing (if it has one), and the argument after the colon by its name."""
    whole, colon, argument = name.partition(":")
    if whole in WHOLE:
        outer = cast(Factory, WHOLE.get(whole))
        if colon and not _fields(outer):
            raise BadInputError(f"attack {name!r}: {whole} takes no argument; write {whole}")
        if _required(outer) and not argument:
            raise BadInputError(f"attack {name!r} lacks its {_required(outer)}; write {_shown(whole, outer)}")
        return outer, None, _given(outer, argument) if colon else {}
    if re.fullmatch(r"[\w.]+:\w+", name) and whole not in BALANCINGS:
        made = WHOLE.get(name)
        if not callable(made):
            raise BadInputError(f"attack {name!r} is not a class or function that makes an attack")
        return made, None, {}
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
    return outer, inner, _given(inner, argument) if colon else {}


def _given(factory: Factory, argument: str) -> dict[str, object]:
    """The argument as the first field's value; digits are a number where that field is a whole number."""
    first = fields(factory)[0]  # type: ignore[arg-type]
    whole = first.type in (int, "int") and argument.isdecimal()
    return {first.name: int(argument) if whole else argument}


def _installed(factory: object) -> bool:
    return all(find_spec(library) for library in getattr(factory, "requires", ()))


def _fields(factory: Factory) -> tuple[str, ...]:
    return tuple(field.name for field in fields(factory)) if is_dataclass(factory) else ()


def _required(factory: Factory) -> str | None:
    """The first field, if it has no default."""
    first = fields(factory)[0] if is_dataclass(factory) and fields(factory) else None
    return first.name if first and first.default is MISSING else None


def _with_arguments(name: str, factory: Factory, tasks: Sequence[str]) -> list[str]:
    required = _required(factory)
    if required is None:
        return [name]
    return [f"{name}:{argument}" for argument in (tasks if required == "task" else getattr(factory, "examples", ()))]


def _shown(name: str, factory: Factory) -> str:
    required = _required(factory)
    return f"{name}:{required.upper()}" if required else name

"""Attacks by name, and what is known of them.

naming.py has the grammar of the names, tables.py what is registered, listing.py all names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cached_property
from typing import Any

from ..benchmark.protocol.cells import Setting
from ..benchmark.protocol.errors import BadInputError, unknown
from ..benchmark.protocol.facts import TRAIN, AttackFacts, AttackKind
from ..benchmark.protocol.notices import notice
from ..benchmark.protocol.references import misspelt
from ..benchmark.protocol.types import Attack, SplitAttack
from .doors import check_made, check_settings, settings_of_class
from .losses.ascending import Ascending, AscendingSplit
from .losses.registry import SCORE
from .losses.score import AscendingScore
from .naming import AttackName
from .parts import balancing_of, components, innermost
from .tables import BALANCINGS, NAMES, OPTIMIZERS, WHOLE
from .traits import Ensemble, Sparing, Standard, Stepping, Versioned, WithTask, is_control, sees_no_gradients


def load_attack(name: str, /, **settings: object) -> Attack:
    """The attack called `name`, with `settings` for its optimizer's or balancing's fields.

    `balancing[:argument]-optimizer` (`total-pgd`, `single:depth-fgsm`, `dgba:clean-pgd`: the argument is the
    balancing's first field), or a whole attack's name and, after a colon, its first field (`noise:uniform`). It may end
    in `@` and a set of losses to ascend (`dgba-pgd@aligned`, `single:depth-pgd@relative`; `@train` is the plain
    attack), then in settings (`dgba-pgd[steps=20]`). `pkg.module:Object` and `./file.py:Object` may stand for a
    balancing, an optimizer, a set of losses or a whole attack. Raises BadInputError for an unknown name, setting or
    set, and for objects of another kind.
    """
    parsed = parse(name)
    plan = _Plan(parsed)
    settings = {**parsed.settings, **settings}
    for key in settings:
        if key not in plan.settings:
            raise unknown(f"setting of attack {str(parsed.plain)!r}:", key, plan.settings)
    made = plan.make(settings)
    return _ascending(made, parsed.losses)


def _ascending(attack: Attack, losses: str) -> Attack:
    """The attack on a set of losses."""
    if losses == TRAIN:
        return attack
    if losses == SCORE:
        return AscendingScore(attack)
    return AscendingSplit(attack, losses) if isinstance(attack, SplitAttack) else Ascending(attack, losses)


def parse(name: str) -> AttackName:
    """The parts of an attack's name; raises BadInputError, with the nearest ones, if it is none."""
    found = NAMES.parse(name)
    if found is None:
        plain = name.partition("[")[0].partition("@")[0]
        products = (f"{balancing}-{optimizer}" for balancing in BALANCINGS for optimizer in OPTIMIZERS)
        raise misspelt(plain, "attack") or unknown("attack", plain, [*products, *WHOLE])
    return found


def settings_of(name: str) -> tuple[str, ...]:
    """The settings that `load_attack` takes for an attack."""
    return _Plan(parse(name)).settings


def describe(name: str, attack: Attack) -> tuple[str, dict[str, Setting]]:
    """The version of an attack's code and its settings: `load_attack(name, **settings)` makes it again."""
    parsed = parse(name)
    plan, inner = _Plan(parsed), innermost(attack)
    settings: dict[str, Any] = {key: getattr(inner, key) for key in plan.outer}
    balancing = balancing_of(inner)
    settings |= {key: getattr(balancing, key) for key in plan.inner}
    settings = {key: [*value] if isinstance(value, tuple) else value for key, value in settings.items()}
    return version_of(parsed, attack), settings


def version_of(name: AttackName, attack: Attack) -> str:
    """The versions of an attack's parts, the outermost first; one that has none costs a line on stderr."""
    called = [part for part in (name.head, name.optimizer, name.losses) if part is not None]
    versions = [_version(part, what) for part, what in zip(components(attack), called, strict=False)]
    return ".".join(reversed(versions))


def attack_facts(name: str, attack: Attack) -> AttackFacts:
    """What an attack is, for boards: from the parts of its name and from its objects."""
    return facts_of(parse(name), attack)


def facts_of(parsed: AttackName, attack: Attack) -> AttackFacts:
    """The same of a name in its parts, which need not be registered."""
    inner = innermost(attack)
    part: object = balancing_of(inner) if parsed.optimizer else inner
    return AttackFacts(
        kind="product" if parsed.optimizer else _kind(inner),
        balancing=parsed.head if parsed.optimizer else None,
        argument=parsed.argument,
        optimizer=parsed.optimizer,
        losses=parsed.losses,
        task=part.task if isinstance(part, WithTask) else None,
        spares=isinstance(part, Sparing) and part.spares,
        standard=isinstance(inner, Standard) and inner.standard,
        one_step=parsed.optimizer is not None and not isinstance(inner, Stepping),
        members=inner.member_names if isinstance(inner, Ensemble) else (),
    )


def factories(name: str) -> tuple[object, ...]:
    """What makes the parts of the attack called `name`: classes and functions."""
    plan = _Plan(parse(name))
    return plan.balancing, plan.attack


def required(factory: object) -> str | None:
    """The first setting of what a class makes, if it has no default: the argument that must be given."""
    first = next(iter(fields(factory)), None) if isinstance(factory, type) and is_dataclass(factory) else None
    return first.name if first and first.default is first.default_factory is MISSING else None


@dataclass(frozen=True)
class _Plan:
    """What makes the attack of a name, and which settings go where."""

    name: AttackName

    @cached_property
    def balancing(self) -> Callable[..., object] | None:
        return BALANCINGS.get(self.name.head) if self.name.optimizer else None

    @cached_property
    def attack(self) -> Callable[..., Attack]:
        """What makes the optimizer or the whole attack."""
        return OPTIMIZERS.get(self.name.optimizer) if self.name.optimizer else WHOLE.get(self.name.head)

    @property
    def settings(self) -> tuple[str, ...]:
        return (*self.outer, *self.inner)

    @property
    def outer(self) -> tuple[str, ...]:
        """The settings of the optimizer, or of the whole attack."""
        own = settings_of_class(self.attack)
        return tuple(key for key in own if key not in (["balancing"] if self.name.optimizer else self.argument))

    @property
    def inner(self) -> tuple[str, ...]:
        """The settings of the balancing; raises BadInputError for one that is the optimizer's, too."""
        own = settings_of_class(self.balancing)
        for key in own:
            if key in self.outer or key == "balancing":
                raise BadInputError(
                    f"attack {str(self.name)!r}: {self.name.head} and {self.name.optimizer} both have a setting "
                    f"{key}, and no name could tell them apart; rename that of {self.name.head}"
                )
        return tuple(key for key in own if key not in self.argument)

    @cached_property
    def argument(self) -> dict[str, object]:
        """The argument as the first field's value; digits are a number where that field is a whole number."""
        factory, name, given = self.balancing or self.attack, self.name, self.name.argument
        needed = required(factory)
        if needed and not given:
            raise BadInputError(f"attack {str(name)!r} lacks its {needed}; write {self._with(needed.upper())}")
        if given is None:
            return {}
        if not settings_of_class(factory):
            raise BadInputError(f"attack {str(name)!r}: {name.head} takes no argument; write {self._with(None)}")
        first = fields(factory)[0]  # type: ignore[arg-type]
        whole = first.type in (int, "int") and given.isdecimal()
        return {first.name: int(given) if whole else given}

    def make(self, settings: Mapping[str, object]) -> Attack:
        """The attack without losses of its own; raises BadInputError for settings that do not fit."""
        name, inner = str(self.name.plain), self.inner
        mine = {key: value for key, value in settings.items() if key in inner}
        others = {key: value for key, value in settings.items() if key not in inner}
        check_settings(self.attack, others, name)
        check_settings(self.balancing, mine, name)
        try:
            if self.balancing is None:
                return check_made(self.attack(**self.argument, **others), name)
            return check_made(self.attack(balancing=self.balancing(**self.argument, **mine), **others), name)
        except BadInputError:
            raise
        except Exception as error:  # a setting of another type, or anything in others' code
            raise BadInputError(f"attack {name!r} cannot be made: {error}") from error

    def _with(self, argument: str | None) -> AttackName:
        return AttackName(self.name.head, argument, self.name.optimizer)


def _kind(attack: Attack) -> AttackKind:
    if isinstance(attack, Ensemble):
        return "ensemble"
    if is_control(attack):
        return "control"
    return "black box" if sees_no_gradients(attack) else "whole"


def _version(part: object, name: str) -> str:
    if isinstance(part, Versioned):
        return str(part.version)
    notice(f"{name} has no version, 1 is taken: add `version: ClassVar[int] = 1`, to be raised when numbers move")
    return "1"

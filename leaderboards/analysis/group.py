"""Comparable records by model and attack, and what boards ask of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar, cast

from ...benchmark.protocol.facts import UNKNOWN, AttackFacts, MetricFacts, ModelFacts, TaskFacts
from ...benchmark.protocol.provenance import TIERS, Environment, Tier
from ...benchmark.protocol.records import CleanRecord, Record
from ...benchmark.stats import Bootstrapped
from .core import core
from .labels import steps_of
from .scores import ards, is_complete
from .setting import Setting
from .trainings import CLEAN, training_of
from .words import attack_words

T = TypeVar("T")

INCOMPLETE = "incomplete"
"""How a table shows what was evaluated and has an undefined score."""


@dataclass(frozen=True)
class Core:
    """Models, and the attacks but controls that all of them were evaluated under."""

    models: tuple[str, ...]
    attacks: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Comparable records by model and attack, both in the order in which boards show them.

    `transfers` are those of attacks that saw another model, by that model, the one attacked and the attack; `clean` are
    those of clean passes, by model, as far as they are there.
    """

    setting: Setting
    title: str
    models: tuple[str, ...]
    attacks: tuple[str, ...]
    records: Mapping[tuple[str, str], Record]
    left_out: int
    transfers: Mapping[tuple[str, str, str], Record] = field(default_factory=dict)
    clean: Mapping[str, CleanRecord] = field(default_factory=dict)
    _ards: dict[tuple[str, str], Bootstrapped] = field(default_factory=dict, repr=False, compare=False)
    """ARD by model and attack as far as it was asked for; all parts of a group share it."""
    _made: dict[Callable[[Group], object], object] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, make: Callable[[Group], T]) -> T:
        """What `make` makes of the group, made when it is first asked for: a board stands on several pages."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast(T, self._made[make])

    def facts(self, model: str) -> ModelFacts:
        return self.any_record(model).model_facts

    def attack_facts(self, attack: str) -> AttackFacts:
        return self._record_of[attack].attack_facts

    def attack_name(self, attack: str) -> str:
        """The name that an attack's label begins with."""
        return self._record_of[attack].attack.name

    def in_words(self, attack: str) -> str:
        """An attack as pictures call it; its label may lack the setting that a picture is over."""
        known = next((label for label in self.attacks if label == attack or label.startswith(f"{attack} [")), None)
        if known is None:
            return attack
        return attack_words(attack, self.attack_name(known), self.attack_facts(known))

    @cached_property
    def _record_of(self) -> dict[str, Record]:
        """A record of every attack."""
        return {attack: record for (*_, attack), record in (*self.transfers.items(), *self.records.items())}

    def is_control(self, attack: str) -> bool:
        """Whether an attack knows nothing of the model, so that every other one must beat it: shown, never ranked."""
        return self.attack_facts(attack).kind == "control"

    @cached_property
    def attacked(self) -> tuple[str, ...]:
        """The attacks that are no controls."""
        return tuple(attack for attack in self.attacks if not self.is_control(attack))

    @cached_property
    def core(self) -> Core:
        """What ranks and means are about."""
        return Core(*core(self.models, self.attacked, self.records.keys()))

    def metrics(self, task: str) -> Mapping[str, MetricFacts]:
        """A task's metrics by name, the most telling one first."""
        return self.task_facts[task].metrics

    @property
    def task_facts(self) -> Mapping[str, TaskFacts]:
        return self.any_record(self.models[0]).task_facts

    def any_record(self, model: str) -> Record:
        """A record of a model, for its facts and clean scores, which do not depend on the attack.

        One of a transfer where there is no other.
        """
        return self._any_record[model]

    @cached_property
    def _any_record(self) -> dict[str, Record]:
        transferred = {model: self.transfers[source, model, attack] for source, model, attack in sorted(self.transfers)}
        own = {model: self.records[model, attack] for model, attack in sorted(self.records, reverse=True)}
        return transferred | own

    def complete(self, model: str, attack: str) -> Record | None:
        """The record of a pair, None if there is none or if it is incomplete."""
        return self._complete.get((model, attack))

    @cached_property
    def _complete(self) -> dict[tuple[str, str], Record]:
        return {pair: record for pair, record in self.records.items() if is_complete(record)}

    def ard(self, model: str, attack: str) -> Bootstrapped | None:
        """The averaged relative degradation of a pair, None without a complete record."""
        if self.complete(model, attack) is None:
            return None
        if (model, attack) not in self._ards:  # many boards ask for it
            found = {other: record for other in self.models if (record := self.complete(other, attack))}
            self._ards.update({(other, attack): own for other, own in zip(found, ards([*found.values()]), strict=True)})
        return self._ards[model, attack]

    def forget(self) -> None:
        """Drop the scores over all resamples, which take four kilobytes a record; they are made again if need be."""
        self._ards.clear()

    @cached_property
    def tiers(self) -> Mapping[Tier, int]:
        """How many records are of each tier that there are any of, the least first."""
        found = [record.tier for record in self.records.values()]
        return {tier: found.count(tier) for tier in TIERS if tier in found}

    @cached_property
    def out_of_domain(self) -> bool:
        """Whether every one of its models is known to be trained on other data than it is attacked on."""
        return all(self.facts(model).trained_on not in (self.setting.dataset, UNKNOWN) for model in self.models)

    @cached_property
    def device(self) -> str:
        """The kind of device of most of its records, such as cpu or cuda: seconds compare on one kind alone."""
        kinds = Counter[str]()
        for place, count in self.environments:
            kinds[place.device_kind] += count
        return kinds.most_common(1)[0][0]

    @cached_property
    def environments(self) -> tuple[tuple[Environment, int], ...]:
        """Where its records were made, and how many of them; records that are read together share what is equal."""
        places = [record.environment for record in self.records.values()]
        counts = Counter(map(id, places))
        return tuple((place, counts[key]) for key, place in {id(place): place for place in places}.items())

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """How many steps its attacks take, of those that take any, without repetitions."""
        return tuple(sorted({steps for record in self.records.values() if (steps := steps_of(record)) is not None}))

    @property
    def has_tiers(self) -> bool:
        """Whether its records are of several tiers."""
        return len(self.tiers) > 1

    @property
    def incomplete(self) -> int:
        """How many records are incomplete."""
        return len(self.records) - len(self._complete)

    def in_one_step(self, model: str, attack: str) -> str | None:
        """The complete attack on the model that is `attack` in one step, with its settings otherwise."""
        facts = self.attack_facts(attack)
        if facts.kind != "product" or facts.one_step:
            return None
        return self._counterpart(model, attack, self._one_steps.get(_kin(facts), []))

    @cached_property
    def _one_steps(self) -> dict[tuple[object, ...], list[str]]:
        found: dict[tuple[object, ...], list[str]] = {}
        for attack in self.attacks:
            if (facts := self.attack_facts(attack)).one_step:
                found.setdefault(_kin(facts), []).append(attack)
        return found

    def unprotected(self, model: str, attack: str, balancing: str) -> str | None:
        """The complete attack on the model that spares no task, with this balancing and all else as `attack` has it."""
        facts = self.attack_facts(attack)
        wanted = replace(facts, balancing=balancing, argument=None, task=None, spares=False)
        return self._counterpart(model, attack, [other for other in self.attacks if self.attack_facts(other) == wanted])

    def _counterpart(self, model: str, attack: str, others: list[str]) -> str | None:
        """The first of the others on the model that agrees with `attack` in every setting that both have."""
        own = self.records[model, attack].attack.settings
        for other in others:
            record = self.complete(model, other)
            settings = record.attack.settings if record else None
            if settings is not None and all(own[key] == settings[key] for key in own.keys() & settings.keys()):
                return other
        return None

    def training(self, model: str) -> str:
        """What a model was trained against, or CLEAN."""
        return training_of(self.facts(model))

    @cached_property
    def parts(self) -> tuple[Group, ...]:
        """The group by training, clean-trained models first."""
        trainings = {self.training(model) for model in self.models}
        parts = []
        for training in sorted(trainings, key=lambda training: (training != CLEAN, training)):
            models = tuple(model for model in self.models if self.training(model) == training)
            records = {pair: record for pair, record in self.records.items() if pair[0] in models}
            attacks = {attack for _, attack in records}
            shown = tuple(attack for attack in self.attacks if attack in attacks)
            parts.append(replace(self, models=models, attacks=shown, records=records))
        return tuple(parts)


def _kin(facts: AttackFacts) -> tuple[object, ...]:
    """What a product and the same in one step have in common."""
    return facts.balancing, facts.argument, facts.losses

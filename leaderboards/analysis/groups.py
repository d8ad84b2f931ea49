"""Records put together that can be compared: the same images, budget, tasks and versions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.facts import ModelFacts
from ...benchmark.protocol.records import AnyRecord, CleanRecord, Record
from ...benchmark.stats import Bootstrapped
from .labels import flat, labels
from .scores import ards, in_order, is_complete
from .selection import current

K = TypeVar("K", bound=tuple[str, ...])

NORMS = {"linf": "L∞", "l2": "L2"}
INCOMPLETE = "incomplete"
CLEAN = "clean"
"""The training of models that were not trained against any attack."""


@dataclass(frozen=True, order=True)
class Setting:
    """What records must share to stand on one board; `eps` is in 1/255, `targets` is empty if all tasks are seen."""

    dataset: str
    images: int
    size: tuple[int, int]
    norm: str
    eps: float
    targets: tuple[str, ...]
    tasks: tuple[str, ...]
    sha256: str
    ids: str

    @property
    def title(self) -> str:
        height, width = self.size
        seen = f", attacker sees {', '.join(self.targets)}" if self.targets else ""
        return f"{self.dataset}, {self.images} images of {height}x{width}, {NORMS[self.norm]} {self.eps:g}/255{seen}"

    @property
    def scope(self) -> tuple[tuple[str, str | int | float], ...]:
        return (
            ("dataset", self.dataset),
            ("images", self.images),
            ("size", "x".join(map(str, self.size))),
            ("images_sha256", f"{self.sha256[:12]}-{self.ids[:12]}"),
            ("norm", self.norm),
            ("eps_255", self.eps),
            ("targets", " ".join(self.targets) or "all"),
            ("tasks", " ".join(self.tasks)),
        )


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
    # Of `records`, which parts of the group have in common; so they have these.
    _ards: dict[tuple[str, str], Bootstrapped] = field(default_factory=dict, repr=False, compare=False)

    def facts(self, model: str) -> ModelFacts:
        return self.any_record(model).model_facts

    def any_record(self, model: str) -> Record:
        """A record of a model, for its facts and clean scores, which do not depend on the attack."""
        return self._any_record[model]

    @cached_property
    def _any_record(self) -> dict[str, Record]:
        return {model: self.records[model, attack] for model, attack in sorted(self.records, reverse=True)}

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

    @cached_property
    def local(self) -> int:
        """How many records no maintainer has repeated."""
        return sum(record.tier == "local" for record in self.records.values())

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """How many steps its attacks take, of those that take any, without repetitions."""
        return tuple(sorted({steps for record in self.records.values() if (steps := steps_of(record)) is not None}))

    @property
    def has_tiers(self) -> bool:
        """Whether its records are of several tiers."""
        return 0 < self.local < len(self.records)

    @property
    def incomplete(self) -> int:
        """How many records are incomplete."""
        return len(self.records) - len(self._complete)

    def counterpart(self, model: str, attack: str, name: str) -> str | None:
        """The complete attack of this name on the model that agrees with `attack` in every setting that both have."""
        own = self.records[model, attack].attack.settings
        for label in self._by_name.get((model, name), ()):
            settings = self.records[model, label].attack.settings
            if all(own[key] == settings[key] for key in own.keys() & settings.keys()):
                return label
        return None

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[str]]:
        """The labels of complete attacks by model and name, in the order of the attacks."""
        found: dict[tuple[str, str], list[str]] = {}
        for model, attack in sorted(self._complete):
            found.setdefault((model, self.records[model, attack].attack.name), []).append(attack)
        return found

    def status(self, model: str, attack: str) -> str | None:
        """How a table shows a pair without a number: "incomplete", or None for a pair that was not evaluated."""
        return INCOMPLETE if (model, attack) in self.records else None

    def training(self, model: str) -> str:
        """What a model was trained against, or CLEAN."""
        return self.facts(model).adversary or CLEAN

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


def headline(groups: Sequence[Group]) -> Group:
    """The group with the most records, the first of several."""
    return max(groups, key=lambda part: len(part.records))


def training_label(training: str) -> str:
    """A training in words: CLEAN, or what it was against."""
    return "clean-trained" if training == CLEAN else f"trained against {training}"


def models_label(training: str) -> str:
    """The models of a training in words."""
    return "clean-trained models" if training == CLEAN else f"models trained against {training}"


def steps_of(record: Record) -> int | None:
    """How many steps the record's attack takes, None if it has no such setting."""
    value = record.attack.settings.get("steps")
    return value if isinstance(value, int) else None


def group(records: Sequence[AnyRecord]) -> list[Group]:
    """Records as groups of comparable ones, whatever their order.

    Superseded and invalidated records are left out, and clean passes of models without another record. Raises
    BadInputError where records of one group were made with different versions or settings of the protocol or its tasks,
    or disagree about a model, and if all are of clean passes.
    """
    kept, dropped = current([record for record in records if isinstance(record, Record)])
    clean: dict[str, CleanRecord] = {}
    for record in records:
        if isinstance(record, CleanRecord) and clean.setdefault(record.key, record) != record:
            raise BadInputError(f"two different records have the key {record.key}; keep one of them")
    if not kept:
        what = "superseded or invalidated" if dropped else "of clean passes"
        raise BadInputError(f"all records are {what}; add those of attacks, which mtrbench run makes")
    by_setting: dict[Setting, list[Record]] = {}
    for record in kept:
        by_setting.setdefault(_setting(record), []).append(record)
    titles = [setting.title for setting in by_setting]
    groups = []
    for setting in sorted(by_setting):
        left_out = sum(_setting(record) == setting for record in dropped)
        # Two sets of images that look the same are told apart by their digests, and two of tasks by these.
        unclear = titles.count(setting.title) > 1
        details = f"{', '.join(setting.tasks)}; {setting.sha256[:6]}-{setting.ids[:6]}"
        title = f"{setting.title} ({details})" if unclear else setting.title
        found = _group(setting, title, by_setting[setting], left_out)
        passes = {model: clean.get(found.any_record(model).cell.clean.key) for model in found.models}
        for model, of in passes.items():
            if of and of.model_facts != found.facts(model):
                raise _disagreeing(found.title, model)
        groups.append(replace(found, clean={model: of for model, of in passes.items() if of}))
    return groups


def _setting(record: Record) -> Setting:
    data, threat = record.cell.dataset, record.threat
    tasks = in_order(record.cell.tasks)
    targets = in_order(threat.targets or ())
    return Setting(data.name, data.images, data.size, threat.norm, threat.eps, targets, tasks, data.sha256, data.ids)


def _group(setting: Setting, title: str, records: list[Record], left_out: int) -> Group:
    _same([record.cell.protocol for record in records], f"{title}: records of protocol versions")
    for task in setting.tasks:
        _same([record.cell.tasks[task] for record in records], f"{title}: records of task {task} with")
    models = labels(records, lambda r: r.cell.model.name, lambda r: {"": r.cell.model.sha256[:8]})
    attacks = labels(records, lambda r: r.attack.name, details)
    label_of = {record.cell.model: models[record.key] for record in records}
    pairs: dict[tuple[str, str], Record] = {}
    transfers: dict[tuple[str, str, str], Record] = {}
    for record in records:
        model, attack, source = models[record.key], attacks[record.key], record.cell.source
        if source is None:
            _put(pairs, (model, attack), record, title)
        else:
            _put(transfers, (label_of.get(source, source.name), model, attack), record, title)
    alone = {model for _, model, _ in transfers} - {model for model, _ in pairs}
    if alone:
        raise BadInputError(
            f"{title}: {min(alone)} has records of transfers alone; add those of attacks on itself, "
            "which mtrbench run --transfer makes, too"
        )
    facts: dict[str, ModelFacts] = {}
    for record in records:
        model = models[record.key]
        if facts.setdefault(model, record.model_facts) != record.model_facts:
            raise _disagreeing(title, model)

    def place(model: str) -> tuple[str, bool, float, str]:
        sharing = facts[model].sharing_index
        return facts[model].adversary or "", sharing is None, -(sharing or 0.0), model

    names = tuple(sorted({attack for _, attack in pairs}))
    return Group(setting, title, tuple(sorted(facts, key=place)), names, pairs, left_out, transfers)


def _disagreeing(title: str, model: str) -> BadInputError:
    return BadInputError(f"{title}: records of {model} disagree about its training; remove the outdated ones")


def _put(found: dict[K, Record], place: K, record: Record, title: str) -> None:
    other = found.setdefault(place, record)
    if other is not record:
        raise BadInputError(f"{title}: two records of {' and '.join(place)}; remove {other.key} or {record.key}")


def details(record: Record) -> dict[str, object]:
    """What may tell apart attacks of one name: settings, version and seed."""
    version, seed = record.attack.version[:8], record.cell.seed
    return {**flat(record.attack.settings), "version": version, "seed": seed}


def _same(parts: Sequence[object], what: str) -> None:
    if any(part != parts[0] for part in parts):
        found = sorted({json.dumps(part, sort_keys=True) for part in parts})
        raise BadInputError(f"{what} {' and '.join(found)} cannot be compared; evaluate the older ones again")

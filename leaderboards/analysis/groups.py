"""Records put together that can be compared: the same images, budget, tasks and versions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TypeVar

from ...benchmark.protocol.cells import ModelRef
from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.facts import ModelFacts
from ...benchmark.protocol.merging import Found, merged
from ...benchmark.protocol.records import AnyRecord, CleanRecord, Record
from .group import Group
from .labels import details, labels
from .selection import current
from .setting import Setting, task_order

K = TypeVar("K", bound=tuple[str, ...])


def headline(groups: Sequence[Group]) -> Group:
    """The group with the most records, the first of several."""
    return max(groups, key=lambda part: len(part.records))


def group(records: Sequence[AnyRecord]) -> list[Group]:
    """Records as groups of comparable ones, whatever their order; those of models of other data come last.

    Of several records of one cell `merged` keeps one. Superseded and invalidated ones are left out, and clean passes of
    models without another record. Raises BadInputError where numbers of one cell differ, where records of one group
    were made with different versions or settings of the protocol or its tasks, or disagree about a model, and if all
    are of clean passes.
    """
    each = merged(Found(f"record {place}", record) for place, record in enumerate(records, 1))
    kept, dropped = current([record for record in each if isinstance(record, Record)])
    passes = {record.key: record for record in each if isinstance(record, CleanRecord)}
    if not kept:
        what = "superseded or invalidated" if dropped else "of clean passes"
        raise BadInputError(f"all records are {what}; add those of attacks, which mtrbench run makes")
    order = task_order([*kept, *dropped])
    by_setting: dict[Setting, list[Record]] = {}
    for record in kept:
        by_setting.setdefault(Setting.of(record, order), []).append(record)
    titles = _titles(by_setting)
    left_out = [Setting.of(record, order) for record in dropped]
    groups = [
        _group(setting, titles[setting], by_setting[setting], left_out.count(setting), passes)
        for setting in sorted(by_setting)
    ]
    return sorted(groups, key=lambda part: part.out_of_domain)


def _titles(settings: Iterable[Setting]) -> dict[Setting, str]:
    """A title for every setting that no other one has."""
    titles = [setting.title for setting in settings]
    return {of: of.longer_title if titles.count(of.title) > 1 else of.title for of in settings}


def _group(
    setting: Setting, title: str, records: list[Record], left_out: int, passes: Mapping[str, CleanRecord]
) -> Group:
    """The group of all records of a setting."""
    _check_versions(setting, title, records)
    models = labels(records, lambda r: r.cell.model.name, lambda r: {"": _contents(r.cell.model)})
    attacks = labels(records, lambda r: r.attack.name, details)
    pairs, transfers = _placed(records, models, attacks, title)
    facts = _facts(records, models, title)
    one_of = {of.cell.model: of for of in records}  # whose clean passes are of the same images and tasks
    clean = {models[of.key]: passes[key] for of in one_of.values() if (key := of.cell.clean.key) in passes}
    for model, own in clean.items():
        if own.model_facts != facts[model]:
            raise _disagreeing(title, model)
    found = Group(
        setting=setting,
        title=title,
        models=_by_training_and_sharing(facts),
        attacks=tuple(sorted({attack for _, attack in pairs})),
        records=pairs,
        left_out=left_out,
        transfers=transfers,
        clean=clean,
    )
    return replace(found, title=f"{title}, out of domain") if found.out_of_domain else found


def _contents(model: ModelRef) -> str:
    """What tells apart models of one name: their weights and, of those from outside, code and attributes."""
    return "-".join(part[:8] for part in (model.sha256, model.code) if part)


def _check_versions(setting: Setting, title: str, records: Sequence[Record]) -> None:
    """Refuse records of several versions or settings of the protocol or of a task."""
    _same([record.cell.protocol for record in records], f"{title}: records of protocol versions")
    for task in setting.tasks:
        _same([record.cell.tasks[task] for record in records], f"{title}: records of task {task} with")
        _same([record.task_facts[task] for record in records], f"{title}: records of task {task} with")


def _placed(
    records: Iterable[Record], models: Mapping[str, str], attacks: Mapping[str, str], title: str
) -> tuple[dict[tuple[str, str], Record], dict[tuple[str, str, str], Record]]:
    """Records by model and attack, and those of transfers by the model that the attack saw, too."""
    label_of = {record.cell.model: models[record.key] for record in records}
    pairs: dict[tuple[str, str], Record] = {}
    transfers: dict[tuple[str, str, str], Record] = {}
    for record in records:
        model, attack, source = models[record.key], attacks[record.key], record.cell.source
        if source is None:
            _put(pairs, (model, attack), record, title)
        else:
            _put(transfers, (label_of.get(source, source.name), model, attack), record, title)
    return pairs, transfers


def _put(found: dict[K, Record], place: K, record: Record, title: str) -> None:
    other = found.setdefault(place, record)
    if other is not record:
        raise BadInputError(f"{title}: two records of {' and '.join(place)}; remove {other.key} or {record.key}")


def _facts(records: Iterable[Record], models: Mapping[str, str], title: str) -> dict[str, ModelFacts]:
    """What is known of every model; refused where its records disagree."""
    facts: dict[str, ModelFacts] = {}
    for record in records:
        model = models[record.key]
        if facts.setdefault(model, record.model_facts) != record.model_facts:
            raise _disagreeing(title, model)
    return facts


def _by_training_and_sharing(facts: Mapping[str, ModelFacts]) -> tuple[str, ...]:
    """Models of one training side by side, the most shared first, those of unknown sharing last."""

    def place(model: str) -> tuple[str, bool, float, str]:
        sharing = facts[model].sharing_index
        return facts[model].adversary or "", sharing is None, -(sharing or 0.0), model

    return tuple(sorted(facts, key=place))


def _disagreeing(title: str, model: str) -> BadInputError:
    return BadInputError(f"{title}: records of {model} disagree about its training; remove the outdated ones")


def _same(parts: Sequence[object], what: str) -> None:
    parts = [*{id(part): part for part in parts}.values()]  # records of one model share theirs
    if any(part != parts[0] for part in parts):
        found = sorted({json.dumps(part, sort_keys=True, default=asdict) for part in parts})
        raise BadInputError(f"{what} {' and '.join(found)} cannot be compared; evaluate the older ones again")

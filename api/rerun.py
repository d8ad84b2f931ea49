"""Published results, measured again with the models, data and attacks of today."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from ..attacks.registry import parse
from ..benchmark.datasets.registry import load_dataset
from ..benchmark.evaluation import with_clean
from ..benchmark.protocol.cells import Cell, ModelRef
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.records import AnyRecord, Record
from ..benchmark.store import Store
from ..benchmark.suites.registry import SUITES
from ..benchmark.suites.suite import Suite
from ..leaderboards.analysis.comparison import Compared, Comparison, LeftOut, cannot, compare_pair
from ..leaderboards.analysis.pairing import Subject, contents, counting
from ..leaderboards.analysis.verdicts import Repeats
from ..models.registry import find_model
from .evidence import found_again
from .identity import model_ref
from .means import Means
from .records import BEGINNING, PUBLISHED, records_at
from .resolver import LocalWorkshop, found_models, threat_ref
from .suites import find_suite

T = TypeVar("T")


@dataclass(frozen=True)
class Checked:
    """How records fared that were measured again; those that came out again are `repeated`, with evidence of it."""

    comparison: Comparison
    repeated: Sequence[AnyRecord]


@dataclass(frozen=True)
class _Today:
    """A published record, and the cell that its names stand for now."""

    record: AnyRecord
    cell: Cell


def check_published(
    what: str | None,
    means: Means,
    *,
    sample: int | None = None,
    seed: int = 0,
    places: Sequence[Path] = (PUBLISHED,),
) -> Checked:
    """Measure published cells again, and compare: those of a suite, those whose key begins with `what`, or all.

    Of these `sample` are drawn by `seed`, if it is given. Cells whose data, or code from outside, is not at hand are
    left out, as are cells of a suite that nothing is published of. Nothing comes from a store. Raises BadInputError for
    a bad record, an unknown suite, and where nothing is published.
    """
    published = counting(records_at(places))
    if not published:
        raise BadInputError(
            f"all records at {' and '.join(map(str, places))} are invalidated; make some with mtrbench run"
        )
    models: dict[str, str] = {}
    left_out: list[LeftOut] = []
    if what is None or _is_key(what):
        found: Iterable[_Today | LeftOut | Compared] = (
            _today(record, means, models) for record in _drawn(_beginning(published, what or ""), sample, seed)
        )
    else:
        suite = find_suite(what)
        models = found_models(suite.every_model)
        found = _drawn([*_of_suite(suite, published, means.workshop(models))], sample, seed)
    chosen, faults = [], []
    for one in found:
        if isinstance(one, _Today):
            chosen.append(one)
        elif isinstance(one, LeftOut):
            left_out.append(one)
        else:
            faults.append(one)
        if sample is not None and len(chosen) + len(faults) == sample:
            break
    rule = Repeats()
    with TemporaryDirectory() as passing:
        done = means.measure([one.cell for one in chosen], means.workshop(models), Store(Path(passing)))
    fresh = {record.key: record for record in done.records}
    cells, repeated = [], []
    for one in chosen:
        again = fresh.get(one.cell.key)
        if again is None:
            cells.append(cannot(one.record, done.faults[one.cell.key]))
            continue
        cells.append(compare_pair(one.record, again, rule))
        if not cells[-1].failing and not cells[-1].obstacle:
            exact = cells[-1].verdict == "same"
            repeated.append(found_again(one.record, "re-run", again.environment, exact))
    return Checked(Comparison(rule, (*cells, *faults), left_out=tuple(left_out)), repeated)


def _is_key(what: str) -> bool:
    return what not in SUITES and BEGINNING.fullmatch(what) is not None


def _beginning(published: Sequence[AnyRecord], key: str) -> list[AnyRecord]:
    found = [record for record in published if record.key.startswith(key)]
    if not found:
        raise BadInputError(f"no published record has a key that begins with {key}")
    return found


def _drawn(all: Sequence[T], sample: int | None, seed: int) -> list[T]:
    """All, in an order that the seed draws if there is a sample to be taken: what is left out is replaced."""
    return [*all] if sample is None else random.Random(seed).sample(all, len(all))  # noqa: S311


def _today(record: AnyRecord, means: Means, models: dict[str, str]) -> _Today | LeftOut | Compared:
    """The record with the cell that its names stand for; new `models` are added to what they are found by."""
    cell, data = record.cell, record.cell.dataset
    for ref in (cell.model, cell.source):
        if ref is not None and ref.name not in models:
            try:
                models |= found_models([ref.name])
            except BadInputError as error:
                return _without(record, ref.code, error)
    found = find_model(models[cell.model.name])
    try:
        load_dataset(data.name, found.tasks, root=means.data_root, size=data.size, images=data.images)
    except BadInputError as error:
        return LeftOut(cell, record.key, f"data set {data.name} is not at hand: {error}")
    try:
        return _Today(record, _cell(record, means.workshop(models)))
    except BadInputError as error:
        return _without(record, cell.attack.code if cell.attack else None, error)


def _without(record: AnyRecord, code: str | None, error: BadInputError) -> LeftOut | Compared:
    """What becomes of a record that something is not found for: it is left out if that came from outside."""
    return LeftOut(record.cell, record.key, f"not at hand: {error}") if code else cannot(record, str(error))


def _cell(record: AnyRecord, workshop: LocalWorkshop) -> Cell:
    cell, data = record.cell, record.cell.dataset
    if not isinstance(record, Record):
        return workshop.cell(cell.model.name, data.name, data.images, "noise", threat_ref("linf", 1, None), 0, {}).clean
    about = cell.model.name, data.name, data.images, record.attack.name, record.threat, cell.seed
    return workshop.cell(*about, record.attack.settings).model_copy(update={"source": _source(cell.source, workshop)})


def _source(source: ModelRef | None, workshop: LocalWorkshop) -> ModelRef | None:
    return None if source is None else model_ref(find_model(workshop.models[source.name]))


def _of_suite(
    suite: Suite, published: Sequence[AnyRecord], workshop: LocalWorkshop
) -> Iterator[_Today | LeftOut | Compared]:
    """For every cell of a suite the published record of it, or of the same with other defaults than today's.

    What the suite or the name of its attack says of the settings is the same in both; what neither says may differ, and
    that is a difference to be told.
    """
    said = {name for part in suite.parts for name in part.defaults}
    said |= {name for part in suite.parts for attack in part.attacks for name in parse(attack).settings}
    known: dict[Subject, list[AnyRecord]] = {}
    for record in published:
        known.setdefault(_whatever_settings(record.cell), []).append(record)
    for cell in with_clean(workshop.cells(suite)):
        likely = [record for record in known.get(_whatever_settings(cell), []) if _alike(record.cell, cell, said)]
        if likely:
            yield _Today(min(likely, key=lambda record: len(str(contents(record.cell, cell)))), cell)
        else:
            yield LeftOut(cell, cell.key, "no record of it is published")


def _whatever_settings(cell: Cell) -> Subject:
    return replace(Subject.of(cell), settings="")


def _alike(one: Cell, other: Cell, said: Iterable[str]) -> bool:
    settings = [cell.attack.settings if cell.attack else {} for cell in (one, other)]
    return all(settings[0].get(name) == settings[1].get(name) for name in said)

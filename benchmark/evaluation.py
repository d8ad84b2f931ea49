"""Cells to records: what is not in the store is measured, shard by shard, and merged."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from .attackers import forget_copies
from .engines import Engine, Remote
from .environment import environment
from .jobs import Job, Outcome, Workshop, all_jobs, images_of, shard_of, spans, undone
from .measurement import Measurement
from .parcels import environment_at, send_jobs
from .protocol.cells import Cell
from .protocol.errors import CellError, SpoiltError, blamed_on
from .protocol.notices import notice
from .protocol.records import AnyRecord
from .recording import Desk, Draft
from .store import Store

PAUSE = 0.2
"""Seconds between two looks at what another run has in hand."""


@dataclass(frozen=True)
class Progress:
    """`images` more have been measured; `record` is there if that finished a cell, `stored` if it was there before.

    `fault` is what the attack or the model of `cell` did wrong, which leaves it without a record.
    """

    images: int
    record: AnyRecord | None = None
    stored: bool = False
    cell: Cell | None = None
    fault: str | None = None


def pending(cells: Sequence[Cell], workshop: Workshop, store: Store) -> list[Job]:
    """The jobs that are still to be done before every cell has its record."""
    missing = [cell for cell in cells if store.record(cell) is None]
    return undone(all_jobs([_passes(cell, workshop) for cell in missing]), store)


def do_jobs(
    workshop: Workshop, store: Store, engine: Engine, jobs: Sequence[Job]
) -> Generator[tuple[Job, Outcome], None, None]:
    """Do `jobs`, leave their results in the store, and name each with what came of it; none is `elsewhere` at the end.

    Runs into one store share the jobs: what another one has in hand is waited for, and done here if that run ends
    before. What is left of a cell that has failed is named too, and not done; so is all of a model that has failed on
    clean images. Raises as `evaluate_cells` does.
    """
    failed: dict[str, Outcome] = {}
    left_out: list[Job] = []

    def blamed(job: Job) -> Outcome | None:
        return failed.get(job.cell.key) or failed.get(job.cell.clean.key)

    def still(jobs: Iterable[Job]) -> Iterator[Job]:
        for job in jobs:
            if blamed(job):
                left_out.append(job)
            else:
                yield job

    try:
        while jobs:
            elsewhere: list[Job] = []
            if isinstance(engine, Remote):
                outcomes = send_jobs(workshop, store, engine, still(jobs))
            else:
                outcomes = engine.run(partial(_do, workshop, store), still(jobs))
            with closing(outcomes) as done:
                for job, outcome in done:
                    if outcome.state == "elsewhere":
                        elsewhere.append(job)
                        continue
                    if outcome.state == "failed":
                        outcome = failed.setdefault(job.cell.key, outcome)
                    yield job, outcome
            jobs = _when_free(elsewhere, store)
    finally:
        forget_copies()
    for job in left_out:
        yield job, blamed(job) or Outcome("failed")


def _when_free(jobs: Sequence[Job], store: Store) -> list[Job]:
    """The same jobs, first those that no other run has in hand any more, as soon as there is one."""
    if jobs:
        notice(f"another run has {len(jobs)} parts of this one in hand in {store.root}; waiting for them")
    while jobs:
        free = [job for job in jobs if _is_free(job, store)]
        if free:
            return [*free, *(job for job in jobs if job not in free)]
        time.sleep(PAUSE)
    return []


def _is_free(job: Job, store: Store) -> bool:
    if store.has_shard(job.cell, job.span):
        return True
    with store.alone_with_shard(job.cell, job.span) as alone:
        return alone


def evaluate_cells(
    cells: Sequence[Cell], workshop: Workshop, store: Store, engine: Engine, jobs: Sequence[Job]
) -> Generator[Progress, None, None]:
    """Do `jobs` (see `pending`) and turn every finished cell into a record in the store.

    A cell whose attack or model fails has none, and the others go on. Raises BadInputError for data that cannot be
    read, and for a model that spoils this process; what was finished before is kept. Close it if you stop early.
    """
    desk = Desk(
        environment_at(engine, workshop) if jobs else environment(workshop.device, workshop.speedups),
        partial(whole_pass, store),
    )

    def record(cell: Cell) -> Progress:
        with store.alone_with_record(cell):
            made = store.record(cell)  # another run may have been faster
            if made is not None:
                return Progress(0, made, stored=True)
            try:
                made = desk.record(draft(cell, workshop), workshop.model(cell.model).tasks)
            except CellError as error:
                return Progress(0, cell=cell, fault=str(error))
            store.save_record(made)
            return Progress(0, made)

    checked: set[str] = set()

    def check_made(part: Cell) -> None:
        """Refuse, before hours are spent beside it, what the store has of a pass if that was made in another way."""
        if part.key in checked:
            return
        checked.add(part.key)
        stored = next((span for span in spans(part) if store.has_shard(part, span)), None)
        if stored is not None:
            desk.check_made(part, store.shard(part, stored))

    left = Counter(job.cell.key for job in jobs)
    awaited: dict[str, list[Cell]] = defaultdict(list)  # by the key of a pass that is missing
    missing: dict[str, int] = {}  # passes, by the key of a cell
    for key, cell in {cell.key: cell for cell in cells}.items():
        stored = store.record(cell)
        if stored is not None:
            yield Progress(0, stored, stored=True)
            continue
        passes = _passes(cell, workshop)
        for one in passes:
            check_made(one)
        keys = {one.key for one in passes} & left.keys()
        missing[key] = len(keys)
        for part in keys:
            awaited[part].append(cell)
        if not keys:
            yield record(cell)
    with closing(do_jobs(workshop, store, engine, jobs)) as done:
        for job, outcome in done:
            part = job.cell.key
            if outcome.fault is not None:
                yield Progress(images_of(job), cell=job.cell, fault=outcome.fault)
                for cell in awaited.pop(part, ()):
                    yield Progress(0, cell=cell, fault=outcome.fault)
                continue
            left[part] -= 1
            yield Progress(images_of(job))
            for cell in awaited.pop(part, ()) if left[part] == 0 else ():
                missing[cell.key] -= 1
                if missing[cell.key] == 0:
                    yield record(cell)


def _do(workshop: Workshop, store: Store, job: Job) -> Outcome:
    """Do a job that nobody else is doing or has done."""
    with store.alone_with_shard(job.cell, job.span) as alone:
        if not alone:
            return Outcome("elsewhere")
        if store.has_shard(job.cell, job.span):
            return Outcome("stored")
        try:
            content = shard_of(workshop, job)
        except SpoiltError:
            raise
        except CellError as error:
            return Outcome("failed", str(error))
        store.save_shard(job.cell, job.span, content)
        return Outcome("measured")


def with_clean(cells: Sequence[Cell]) -> list[Cell]:
    """The cells, and before them their clean passes, which have records of their own."""
    return [*{cell.key: cell for cell in (*(cell.clean for cell in cells), *cells)}.values()]


def _passes(cell: Cell, workshop: Workshop) -> tuple[Cell, ...]:
    """What a cell's record is made of: the clean pass and, if it is not that itself, its control and its own."""
    return (cell,) if cell.attack is None else (cell.clean, workshop.control(cell), cell)


def draft(cell: Cell, workshop: Workshop) -> Draft:
    """What the record of a cell will say beside its results."""
    attacked = cell.attack is not None
    with blamed_on(cell.title):
        return Draft(
            cell=cell,
            control=workshop.control(cell) if attacked else None,
            model_facts=workshop.model_facts(cell),
            attack_facts=workshop.attack_facts(cell) if attacked else None,
        )


def whole_pass(store: Store, cell: Cell) -> Measurement:
    """The pass over all samples of a cell, out of the store; raises BadInputError if it lacks a part."""
    return Measurement.merge(store.shard(cell, span) for span in spans(cell))

"""Cells to records: what is not in the store is measured, shard by shard, and merged."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch

from . import stats
from .engines import Engine
from .environment import environment
from .harness import in_batches, measure
from .measurement import Measurement
from .protocol.cells import Cell, ModelRef
from .protocol.errors import BadInputError
from .protocol.facts import AttackFacts, ModelFacts, TaskFacts
from .protocol.noise import Noise
from .protocol.records import AnyRecord, CleanRecord, Costs, Diagnostics, Record, Replicates, Solver
from .protocol.tasks.base import Task
from .protocol.threat import ThreatModel
from .protocol.types import Attack, Dataset, MultiTaskModel, SplitAttack
from .store import Span, Store

SHARD = 32
"""Images per shard: what an interruption can cost at most, per worker."""


class Workshop(Protocol):
    """Brings the objects that a cell names; travels to worker processes, so it must pickle."""

    @property
    def batch_size(self) -> int: ...

    @property
    def device(self) -> str: ...

    def model(self, model: ModelRef) -> MultiTaskModel: ...

    def dataset(self, cell: Cell) -> Dataset: ...

    def attack(self, cell: Cell) -> Attack | None: ...

    def control(self, cell: Cell) -> Cell:
        """The same cell under noise of the budget's size, which every attack must beat."""
        ...

    def model_facts(self, cell: Cell) -> ModelFacts: ...

    def attack_facts(self, cell: Cell) -> AttackFacts:
        """What the cell's attack is; only asked of cells that have one."""
        ...


@dataclass(frozen=True)
class Job:
    """A stretch of a cell's samples to be measured."""

    cell: Cell
    span: Span


@dataclass(frozen=True)
class Progress:
    """`images` more have been measured; `record` is there if that finished a cell, `stored` if it was there before."""

    images: int
    record: AnyRecord | None = None
    stored: bool = False


def ids_sha256(ids: Sequence[str]) -> str:
    """Digest of sample names in their order."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def pending(cells: Sequence[Cell], workshop: Workshop, store: Store) -> list[Job]:
    """The jobs that are still to be done before every cell has its record; clean passes and controls come first."""
    passes = [_passes(cell, workshop) for cell in cells if store.record(cell) is None]
    # All clean passes, then all controls, then the cells themselves: every one once.
    wanted = {cell.key: cell for rank in range(3) for of in passes for cell in of[rank : rank + 1]}
    return [Job(cell, span) for cell in wanted.values() for span in spans(cell) if not store.has_shard(cell, span)]


def evaluate_cells(
    cells: Sequence[Cell], workshop: Workshop, store: Store, engine: Engine, jobs: Sequence[Job]
) -> Generator[Progress, None, None]:
    """Do `jobs` (see `pending`) and turn every finished cell into a record in the store.

    Raises BadInputError where the harness does; what was finished before is kept. Close it if you stop early.
    """
    left: dict[str, int] = {}
    for job in jobs:
        left[job.cell.key] = left.get(job.cell.key, 0) + 1

    waiting = {cell.key: cell for cell in cells}

    def finished() -> Iterator[AnyRecord]:
        for key, cell in list(waiting.items()):
            if not any(left.get(part.key) for part in _passes(cell, workshop)):
                del waiting[key]
                yield _record(cell, workshop, store)

    for key, cell in list(waiting.items()):
        stored = store.record(cell)
        if stored is not None:
            del waiting[key]
            yield Progress(0, stored, stored=True)
    for record in finished():
        yield Progress(0, record)
    with closing(engine.run(partial(_do, workshop, store), jobs)) as done:
        for job in done:
            left[job.cell.key] -= 1
            yield Progress(job.span[1] - job.span[0])
            for record in finished():
                yield Progress(0, record)


def _do(workshop: Workshop, store: Store, job: Job) -> None:
    store.save_shard(job.cell, job.span, measure_cell(workshop, job.cell, job.span))


def measure_cell(workshop: Workshop, cell: Cell, span: Span) -> Measurement:
    """The pass over a stretch of a cell's samples; raises BadInputError where the harness does."""
    dataset, device = workshop.dataset(cell), torch.device(workshop.device)
    own = (batch.to(device) for batch in in_batches(dataset, range(*span), workshop.batch_size))
    threat = ThreatModel(cell.threat.norm, cell.threat.eps / 255, cell.threat.targets) if cell.threat else None
    attack = workshop.attack(cell)
    # In batches of one size, so that what an attack makes of them does not depend on the machine's.
    split = [
        dataset.batch(range(*whole)).to(device) for whole in (spans(cell) if isinstance(attack, SplitAttack) else ())
    ]
    source = workshop.model(cell.source) if cell.source else None
    return measure(workshop.model(cell.model), own, attack, threat, Noise(cell.seed), cell.title, split, source)


def with_clean(cells: Sequence[Cell]) -> list[Cell]:
    """The cells, and before them their clean passes, which have records of their own."""
    return [*{cell.key: cell for cell in (*(cell.clean for cell in cells), *cells)}.values()]


def _passes(cell: Cell, workshop: Workshop) -> tuple[Cell, ...]:
    """What a cell's record is made of: the clean pass and, if it is not that itself, its control and its own."""
    return (cell,) if cell.attack is None else (cell.clean, workshop.control(cell), cell)


def _record(cell: Cell, workshop: Workshop, store: Store) -> AnyRecord:
    stored = store.record(cell)
    if stored is not None:
        return stored
    clean, *attacks = (
        Measurement.merge(store.shard(part, span) for span in spans(part)) for part in _passes(cell, workshop)
    )
    facts, tasks = workshop.model_facts(cell), workshop.model(cell.model).tasks
    record: AnyRecord
    if attacks:
        control, attacked = attacks
        record = make_record(cell, facts, workshop.attack_facts(cell), tasks, clean, control, attacked, workshop.device)
    else:
        record = make_clean_record(cell, facts, tasks, clean, workshop.device)
    store.save_record(record)
    return record


def make_clean_record(
    cell: Cell, facts: ModelFacts, tasks: Mapping[str, Task], clean: Measurement, device: str
) -> CleanRecord:
    """The record of a clean pass; raises BadInputError if it is not over the cell's samples."""
    _check_samples(cell, clean)
    found = stats.scores(tasks, clean.statistics)
    return CleanRecord(
        schema=4,
        key=cell.key,
        cell=cell,
        model_facts=facts,
        task_facts={name: TaskFacts.of(task.metrics) for name, task in tasks.items()},
        scores=stats.estimates(found),
        replicates={
            task: {metric: Replicates.pack(score.replicates) for metric, score in part.items()}
            for task, part in found.items()
        },
        environment=environment(device),
    )


def _check_samples(cell: Cell, *passes: Measurement) -> None:
    if any(ids_sha256(part.ids) != cell.dataset.ids for part in passes):
        raise BadInputError(f"{cell.title}: the passes are over other samples than the cell's; remove its shards")


def make_record(
    cell: Cell,
    model_facts: ModelFacts,
    attack_facts: AttackFacts,
    tasks: Mapping[str, Task],
    clean: Measurement,
    control: Measurement,
    attacked: Measurement,
    device: str,
) -> Record:
    """The record of a cell from its clean pass, its control's and its attacked one.

    Raises BadInputError if the passes are not over the cell's samples.
    """
    _check_samples(cell, clean, control, attacked)
    before, after, degradation = stats.degradation(
        tasks, clean.statistics, attacked.statistics, clean.losses, attacked.losses
    )
    _, _, noise = stats.degradation(tasks, clean.statistics, control.statistics, clean.losses, control.losses)
    diagnostics = Diagnostics(
        zero_gradient={name: float((clean.gradients[name] == 0).mean()) for name in tasks},
        gradient_length={name: float(clean.gradients[name].mean()) for name in tasks},
        gradient_cosine={name: float(value.mean()) for name, value in clean.gradients.items() if name not in tasks},
        noise=noise.ard,
    )
    return Record(
        schema=4,
        key=cell.key,
        cell=cell,
        model_facts=model_facts,
        attack_facts=attack_facts,
        task_facts={name: TaskFacts.of(task.metrics) for name, task in tasks.items()},
        complete=all(task.value is not None for task in degradation.tasks.values()),
        clean=before,
        attacked=after,
        degradation=degradation,
        diagnostics=diagnostics,
        costs=Costs(
            forwards=attacked.forwards / len(attacked.ids),
            backwards=attacked.backwards / len(attacked.ids),
            seconds=attacked.seconds,
            peak_memory_mb=attacked.peak_memory_mb,
        ),
        solver=Solver(programs=dict(attacked.tally.sums), gaps=attacked.tally.peaks),
        environment=environment(device),
    )


def spans(cell: Cell) -> list[Span]:
    """The stretches of a cell's samples that are measured, and stored, apart."""
    images = cell.dataset.images
    return [(start, min(start + SHARD, images)) for start in range(0, images, SHARD)]

"""Passes over a cell's samples, turned into its record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import stats
from .measurement import Measurement, PerSample
from .protocol.cells import Cell
from .protocol.errors import BadInputError
from .protocol.facts import AttackFacts, ModelFacts, TaskFacts
from .protocol.records import CleanRecord, Costs, Diagnostics, Environment, Record, Replicates, Solver
from .protocol.tasks.base import Task


@dataclass(frozen=True)
class Origin:
    """Where a record comes from: its cell, what is known of model and attack, and where the passes were made.

    `attack_facts` are None for a clean pass alone.
    """

    cell: Cell
    model_facts: ModelFacts
    attack_facts: AttackFacts | None
    environment: Environment


@dataclass(frozen=True)
class Baseline:
    """What all attacked records on one model, data set and budget share: the clean scores, and what noise does."""

    scores: stats.Scores
    losses: PerSample
    diagnostics: Diagnostics


def make_baseline(cell: Cell, tasks: Mapping[str, Task], clean: Measurement, control: Measurement) -> Baseline:
    """From the clean pass and the control's; raises BadInputError if these are not over the samples of `cell`."""
    _check_samples(cell, clean, control)
    scores = stats.scores(tasks, clean.statistics)
    noise = stats.degradation(tasks, scores, stats.scores(tasks, control.statistics), clean.losses, control.losses)
    diagnostics = Diagnostics(
        zero_gradient={name: float((clean.gradients[name] == 0).mean()) for name in tasks},
        gradient_length={name: float(clean.gradients[name].mean()) for name in tasks},
        gradient_cosine={name: float(value.mean()) for name, value in clean.gradients.items() if name not in tasks},
        noise=noise.ard,
    )
    return Baseline(scores, clean.losses, diagnostics)


def make_clean_record(origin: Origin, tasks: Mapping[str, Task], clean: Measurement) -> CleanRecord:
    """The record of a clean pass; raises BadInputError if it is not over the cell's samples."""
    _check_samples(origin.cell, clean)
    found = stats.scores(tasks, clean.statistics)
    return CleanRecord(
        schema=4,
        key=origin.cell.key,
        cell=origin.cell,
        model_facts=origin.model_facts,
        task_facts={name: TaskFacts.of(task.metrics) for name, task in tasks.items()},
        scores=stats.estimates(found),
        replicates={
            task: {metric: Replicates.pack(score.replicates) for metric, score in part.items()}
            for task, part in found.items()
        },
        environment=origin.environment,
    )


def make_record(origin: Origin, tasks: Mapping[str, Task], baseline: Baseline, attacked: Measurement) -> Record:
    """The record of a cell with an attack from its attacked pass and what all records there share.

    Raises BadInputError if the pass is not over the cell's samples.
    """
    assert origin.attack_facts is not None  # of a cell with an attack
    _check_samples(origin.cell, attacked)
    after = stats.scores(tasks, attacked.statistics)
    degradation = stats.degradation(tasks, baseline.scores, after, baseline.losses, attacked.losses)
    return Record(
        schema=4,
        key=origin.cell.key,
        cell=origin.cell,
        model_facts=origin.model_facts,
        attack_facts=origin.attack_facts,
        task_facts={name: TaskFacts.of(task.metrics) for name, task in tasks.items()},
        complete=all(task.value is not None for task in degradation.tasks.values()),
        clean=stats.estimates(baseline.scores),
        attacked=stats.estimates(after),
        degradation=degradation,
        diagnostics=baseline.diagnostics,
        costs=Costs(
            forwards=attacked.forwards / len(attacked.ids),
            backwards=attacked.backwards / len(attacked.ids),
            seconds=attacked.seconds,
            peak_memory_mb=attacked.peak_memory_mb,
        ),
        solver=Solver(programs=dict(attacked.tally.sums), gaps=attacked.tally.peaks),
        environment=origin.environment,
    )


def ids_sha256(ids: Sequence[str]) -> str:
    """Digest of sample names in their order."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def _check_samples(cell: Cell, *passes: Measurement) -> None:
    if any(ids_sha256(part.ids) != cell.dataset.ids for part in passes):
        raise BadInputError(f"{cell.title}: the passes are over other samples than the cell's; remove its shards")

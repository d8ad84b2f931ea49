"""Passes over a cell's samples, turned into its record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from . import stats
from .measurement import Measurement, PerSample
from .protocol.cells import Cell, Strict
from .protocol.errors import BadInputError
from .protocol.estimates import Replicates
from .protocol.facts import AttackFacts, ModelFacts, TaskFacts
from .protocol.provenance import Environment, how_made
from .protocol.records import AnyRecord, CleanRecord, Costs, Diagnostics, Record, Solver
from .protocol.tasks.base import Task


class Draft(Strict):
    """What a record says of a cell before anything is measured; `control` and `attack_facts` are None without attack.

    `control` is the same cell under noise of the budget's size, which every attack must beat.
    """

    cell: Cell
    control: Cell | None
    model_facts: ModelFacts
    attack_facts: AttackFacts | None

    @property
    def passes(self) -> tuple[Cell, ...]:
        """What the record is made of: the clean pass and, if it is not that itself, its control and its own."""
        return (self.cell,) if self.control is None else (self.cell.clean, self.control, self.cell)


@dataclass(frozen=True)
class Baseline:
    """What all attacked records on one model, data set and budget share: the clean scores, and what noise does."""

    scores: stats.Scores
    losses: PerSample
    diagnostics: Diagnostics
    signs: tuple[str, ...] = ()


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
    return Baseline(scores, clean.losses, diagnostics, clean.signs)


@dataclass(frozen=True)
class Desk:
    """Makes records of passes that `whole` finds; what cells of one model share is worked out once."""

    environment: Environment
    whole: Callable[[Cell], Measurement]
    _baselines: dict[tuple[str, str], Baseline] = field(default_factory=dict)

    def record(self, draft: Draft, tasks: Mapping[str, Task]) -> AnyRecord:
        """The record of a cell whose passes are all there; raises BadInputError if they are over other samples."""
        return self._clean(draft, tasks) if draft.control is None else self._attacked(draft, draft.control, tasks)

    def _clean(self, draft: Draft, tasks: Mapping[str, Task]) -> CleanRecord:
        clean = self._pass(draft.cell)
        _check_samples(draft.cell, clean)
        found = stats.scores(tasks, clean.statistics)
        return CleanRecord(
            schema=5,
            key=draft.cell.key,
            cell=draft.cell,
            model_facts=draft.model_facts,
            task_facts=_facts(tasks),
            scores=stats.estimates(found),
            replicates={
                task: {metric: Replicates.pack(score.replicates) for metric, score in part.items()}
                for task, part in found.items()
            },
            environment=self.environment.model_copy(update={"speedups": ()}),  # an attack's alone
            signs=clean.signs,
        )

    def _attacked(self, draft: Draft, control: Cell, tasks: Mapping[str, Task]) -> Record:
        assert draft.attack_facts is not None  # as it has a control
        attacked, baseline = self._pass(draft.cell), self._baseline(draft.cell, control, tasks)
        _check_samples(draft.cell, attacked)
        after = stats.scores(tasks, attacked.statistics)
        degradation = stats.degradation(tasks, baseline.scores, after, baseline.losses, attacked.losses)
        return Record(
            schema=5,
            key=draft.cell.key,
            cell=draft.cell,
            model_facts=draft.model_facts,
            attack_facts=draft.attack_facts,
            task_facts=_facts(tasks),
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
            environment=self.environment,
            signs=baseline.signs,
        )

    def check_made(self, cell: Cell, part: Measurement) -> None:
        """Raises BadInputError if a part of a cell's pass was made in another way than the records here say."""
        here = self.environment
        made = how_made(here.device, here.speedups if cell.attack else ())
        if part.made not in ("", made):
            raise BadInputError(
                f"{cell.title} was measured on {part.made} before, and now is on {made}; choose another --out"
            )

    def _pass(self, cell: Cell) -> Measurement:
        found = self.whole(cell)
        self.check_made(cell, found)
        return found

    def _baseline(self, cell: Cell, control: Cell, tasks: Mapping[str, Task]) -> Baseline:
        key = cell.clean.key, control.key
        if key not in self._baselines:
            self._baselines[key] = make_baseline(cell, tasks, self._pass(cell.clean), self._pass(control))
        return self._baselines[key]


def _facts(tasks: Mapping[str, Task]) -> dict[str, TaskFacts]:
    return {name: TaskFacts.of(task.metrics) for name, task in tasks.items()}


def ids_sha256(ids: Sequence[str]) -> str:
    """Digest of sample names in their order."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def _check_samples(cell: Cell, *passes: Measurement) -> None:
    if any(ids_sha256(part.ids) != cell.dataset.ids for part in passes):
        raise BadInputError(f"{cell.title}: the passes are over other samples than the cell's; remove its shards")

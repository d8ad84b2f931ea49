"""Cells evaluated to the end, with a bar or a call for whoever waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

from ..benchmark.engines import Engine, reach
from ..benchmark.evaluation import do_jobs, evaluate_cells, pending
from ..benchmark.jobs import Workshop, images_of, undone
from ..benchmark.parcels import environment_at
from ..benchmark.protocol.cells import Cell
from ..benchmark.protocol.errors import CellError
from ..benchmark.protocol.notices import notice
from ..benchmark.protocol.progress import progress as bars
from ..benchmark.protocol.records import AnyRecord
from ..benchmark.shares import begin_share
from ..benchmark.store import Store
from ..leaderboards.analysis.flags import MEANINGS, signs_of

Progress = bool | Callable[[int, int], object]
"""Whether to draw a bar on stderr, or what to call with the images that are done and all that there are to do."""


@dataclass(frozen=True)
class Done:
    """The records of all cells, in their order; `stored` of them were there before.

    `faults` are what attacks and models did wrong, by the key of their cell, which has no record then.
    """

    records: list[AnyRecord]
    stored: int
    faults: Mapping[str, str] = field(default_factory=dict)

    def all_records(self) -> list[AnyRecord]:
        """The records; raises CellError if a cell has none."""
        for fault in self.faults.values():
            raise CellError(fault)
        return self.records


def evaluate_all(
    cells: Sequence[Cell], workshop: Workshop, store: Store, engine: Engine, progress: Progress = True
) -> Done:
    """The records of all cells; what is in the store is not computed again."""
    store.sweep()
    jobs = pending(cells, workshop, store)
    found: dict[str, AnyRecord] = {}
    faults: dict[str, str] = {}
    stored = done = 0
    images = sum(map(images_of, jobs))
    tell = progress if callable(progress) else None
    with (
        reach(engine),
        bars(total=images, unit="image", smoothing=0.05, disable=not jobs or progress is not True) as bar,
        closing(evaluate_cells(cells, workshop, store, engine, jobs)) as steps,
    ):
        for step in steps:
            bar.update(step.images)
            done += step.images
            if tell and step.images:
                tell(done, images)
            if step.cell is not None and step.fault is not None:
                faults[step.cell.key] = step.fault
            if step.record is not None:
                found[step.record.key] = step.record
                for sign in signs_of(step.record):
                    notice(f"{step.record.cell.model.name}: {sign}: {MEANINGS.get(sign, 'a sign against the model')}")
                stored += step.stored
                bar.set_description(f"{len(found)}/{len(cells)} cells", refresh=False)
        bar.refresh()
    return Done([found[cell.key] for cell in cells if cell.key in found], stored, faults)


@dataclass(frozen=True)
class ShareDone:
    """How many parts a share of a run has, and how many of them were computed now; `faults` as in `Done`."""

    parts: int
    computed: int
    faults: Mapping[str, str] = field(default_factory=dict)


def do_share(
    number: int, of: int, cells: Sequence[Cell], workshop: Workshop, store: Store, engine: Engine
) -> ShareDone:
    """One share of a run, left in the store, with a bar on stderr; raises as `begin_share` does."""
    store.sweep()
    faults: dict[str, str] = {}
    computed = 0
    with ExitStack() as stack:
        stack.enter_context(reach(engine))
        jobs = begin_share(number, of, cells, workshop, store, environment_at(engine, workshop))
        left = undone(jobs, store)
        bar = stack.enter_context(bars(total=sum(map(images_of, left)), unit="image", smoothing=0.05, disable=not left))
        for job, outcome in stack.enter_context(closing(do_jobs(workshop, store, engine, left))):
            bar.update(images_of(job))
            computed += outcome.state == "measured"
            if outcome.fault is not None:
                faults[job.cell.key] = outcome.fault
    return ShareDone(len(jobs), computed, faults)

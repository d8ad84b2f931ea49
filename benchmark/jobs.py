"""What a run is made of: passes over at most 32 samples of a cell, and how one is done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from .batches import with_fitting_batches
from .child import Limits
from .harness import Keep, in_batches, measure
from .measurement import Measurement
from .protocol.arguments import BatchSize
from .protocol.cells import Cell, ModelRef
from .protocol.errors import blamed_on
from .protocol.facts import AttackFacts, ModelFacts
from .protocol.noise import Noise
from .protocol.stopwatch import DATA, MODELS, part
from .protocol.surroundings import standard_modes
from .protocol.threat import ThreatModel
from .protocol.types import Attack, Dataset, MultiTaskModel, SplitAttack
from .store import Span, Store

SHARD = 32
"""Images per shard: what an interruption can cost at most, per worker."""


class Tools(Protocol):
    """What a job is done with, the objects that its cell names among it."""

    @property
    def batch_size(self) -> BatchSize: ...

    @property
    def device(self) -> str: ...

    @property
    def limits(self) -> Limits:
        """What attacks from outside may take."""
        ...

    def model(self, model: ModelRef) -> MultiTaskModel: ...

    def dataset(self, cell: Cell) -> Dataset: ...

    def attack(self, cell: Cell) -> Attack | None: ...


class Workshop(Tools, Protocol):
    """What a run is made with; travels to worker processes, so it must pickle."""

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
class Outcome:
    """What came of a job: measured now, found in the store, another run has it, or its attack's `fault`."""

    state: Literal["measured", "stored", "elsewhere", "failed"]
    fault: str | None = None


def images_of(job: Job) -> int:
    """How many samples a job measures."""
    return job.span[1] - job.span[0]


def all_jobs(passes: Sequence[tuple[Cell, ...]]) -> list[Job]:
    """The jobs of what records are made of, each once: all clean passes, then all controls, then attacks."""
    wanted = {cell.key: cell for rank in range(3) for of in passes for cell in of[rank : rank + 1]}
    return [Job(cell, span) for cell in wanted.values() for span in spans(cell)]


def undone(jobs: Iterable[Job], store: Store) -> list[Job]:
    """Those of the jobs that have left nothing in the store."""
    return [job for job in jobs if not store.has_shard(job.cell, job.span)]


@standard_modes()
def measure_cell(tools: Tools, cell: Cell, span: Span, keep: Keep | None = None) -> Measurement:
    """The pass over a stretch of a cell's samples, whatever modes PyTorch is in.

    An attack with code from outside runs in a process of its own; its images go to `keep`. Raises BadInputError where
    the harness does, and for whatever the attack or the model raises.
    """
    with part(DATA):
        dataset = tools.dataset(cell)
    samples = range(*span)
    threat = ThreatModel(cell.threat.norm, cell.threat.eps / 255, cell.threat.targets) if cell.threat else None
    attack = tools.attack(cell)
    # In batches of one size, so that what an attack makes of them does not depend on the machine's.
    every = range(cell.dataset.images if isinstance(attack, SplitAttack) else 0)
    split = [*in_batches(dataset, every, SHARD, tools.device)]
    with part(MODELS):
        source = tools.model(cell.source) if cell.source else None
        model = tools.model(cell.model)
    limits = tools.limits if cell.attack is not None and cell.attack.code is not None else None

    def work(size: int) -> Measurement:
        own = in_batches(dataset, samples, size, tools.device)
        return measure(model, own, attack, threat, Noise(cell.seed), cell.title, split, source, limits, keep)

    with blamed_on(cell.title):
        if tools.batch_size != "auto":
            return work(tools.batch_size)
        what = (cell.source or cell.model).sha256, cell.dataset.size, tools.device
        shard = in_batches(dataset, samples, SHARD, tools.device)
        return with_fitting_batches(what, source or model, lambda: next(shard), work)


def spans(cell: Cell) -> list[Span]:
    """The stretches of a cell's samples that are measured, and stored, apart."""
    images = cell.dataset.images
    return [(start, min(start + SHARD, images)) for start in range(0, images, SHARD)]

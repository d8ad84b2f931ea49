"""What a run is made of: passes over at most 32 samples of a cell, and how one is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol

import torch

from .batches import with_fitting_batches
from .child import Limits, forks, told_apart
from .harness import Keep, in_batches, measure
from .measurement import Measurement
from .protocol.arguments import BatchSize
from .protocol.cells import Cell, ModelRef
from .protocol.errors import BadInputError, ModelError, SpoiltError, told
from .protocol.facts import AttackFacts, ModelFacts
from .protocol.noise import Noise
from .protocol.provenance import how_made
from .protocol.stopwatch import DATA, MODELS, part
from .protocol.surroundings import Surroundings, standard_modes
from .protocol.threat import ThreatModel
from .protocol.types import Attack, Dataset, MultiTaskModel, SplitAttack
from .speedups import products
from .store import Span, Store, packed

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
        """What attacks and models from outside may take."""
        ...

    @property
    def speedups(self) -> tuple[str, ...]:
        """What attacks' passes are made faster by, of `SPEEDUPS`."""
        ...

    def isolates(self, cell: Cell) -> bool:
        """Whether the cell has a model of a stranger's code, which must not touch what else is measured."""
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
    """What came of a job: measured now, found in the store, another run has it, or its `fault`."""

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
@products()
def measure_cell(tools: Tools, cell: Cell, span: Span, keep: Keep | None = None) -> Measurement:
    """The pass over a stretch of a cell's samples, whatever modes PyTorch is in.

    An attack with code from outside runs in a process of its own; its images go to `keep`. Raises BadInputError where
    the harness does, and ModelError for whatever the model raises.
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
    speedups = tools.speedups if attack is not None else ()

    def work(size: int) -> Measurement:
        own, noise = in_batches(dataset, samples, size, tools.device), Noise(cell.seed)
        found = measure(model, own, attack, threat, noise, cell.title, split, source, limits, keep, speedups)
        found.made = how_made(tools.device, speedups)
        return found

    with _blamed_on_model(cell):
        if tools.batch_size != "auto":
            return work(tools.batch_size)
        what = (cell.source or cell.model).sha256, cell.dataset.size, tools.device
        shard = in_batches(dataset, samples, SHARD, tools.device)
        return with_fitting_batches(what, source or model, lambda: next(shard), work)


@contextmanager
def _blamed_on_model(cell: Cell) -> Iterator[None]:
    """What others' code raises inside becomes a ModelError, and a change of what all code shares a SpoiltError."""
    before = Surroundings() if is_foreign(cell) else None
    try:
        yield
    except ModelError as error:
        text = str(error)
        raise ModelError(text if text.startswith(cell.title) else f"{cell.title}: {text}") from error
    except BadInputError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(f"{cell.title}: {told(error)}") from error
    finally:
        change = before.change() if before else None
        if change:
            raise SpoiltError(f"{cell.title}: the model changed {change}, which all code of a process shares")


def is_foreign(cell: Cell) -> bool:
    """Whether the cell has a model with code from outside."""
    return any(one.code is not None for one in (cell.model, cell.source) if one is not None)


def shard_of(tools: Tools, job: Job) -> bytes:
    """What comes of a job, as the store keeps it; done in a process of its own if it has a stranger's model.

    Raises CellError for what the attack or the model does wrong, and SpoiltError where that is done to this process.
    """
    if not tools.isolates(job.cell) or not forks(torch.device(tools.device)):
        return packed(measure_cell(tools, job.cell, job.span))
    tools.dataset(job.cell)  # so that no process has to read it again
    with TemporaryDirectory() as passing:
        path = Path(passing) / "shard"
        told_apart(partial(_write_shard, path, tools, job), job.cell.title, tools.limits, ModelError)
        return path.read_bytes()


def _write_shard(path: Path, tools: Tools, job: Job) -> dict[str, Any]:
    path.write_bytes(packed(measure_cell(tools, job.cell, job.span)))
    return {}


def spans(cell: Cell) -> list[Span]:
    """The stretches of a cell's samples that are measured, and stored, apart."""
    images = cell.dataset.images
    return [(start, min(start + SHARD, images)) for start in range(0, images, SHARD)]

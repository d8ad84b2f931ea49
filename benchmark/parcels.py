"""Jobs for machines that have nothing but this package: the model, the samples and the attack travel along."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypeVar

import torch

from .arrays import Arrays, arrays_of, batch_of
from .child import Limits
from .engines import Engine, Held, Remote
from .environment import code_sha256, environment, unlike, versions
from .jobs import Job, Outcome, Workshop, is_foreign, shard_of, spans
from .protocol.arguments import BatchSize
from .protocol.cells import AttackRef, Cell, ModelRef
from .protocol.errors import BadInputError, CellError, SpoiltError
from .protocol.provenance import Environment
from .protocol.references import File, files_run, run_file
from .protocol.types import Attack, Batch, Dataset, MultiTaskModel, SplitAttack
from .store import Span, Store

T = TypeVar("T")


@dataclass(frozen=True)
class SentDataset:
    """A data set of which some stretches of samples are within reach; batches lie within one of them."""

    name: str
    sha256: str
    stretches: Mapping[Span, Held[Arrays]]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(name for stretch in self.stretches.values() for name in stretch.get()[2])

    def batch(self, indices: Sequence[int]) -> Batch:
        for (start, stop), stretch in self.stretches.items():
            if start <= indices[0] < stop:
                return batch_of(stretch.get(), torch.device("cpu")).take([place - start for place in indices])
        raise IndexError(f"samples {indices[0]} and following have not been sent")


@dataclass(frozen=True)
class Parcel:
    """A job with all that it needs, as `measure_cell` asks for it; `files` come first, as the rest may be of them."""

    job: Job
    batch_size: BatchSize
    device: str
    limits: Limits
    speedups: tuple[str, ...]
    files: Held[tuple[File, ...]]
    models: Mapping[str, Held[MultiTaskModel]]
    data: SentDataset
    held_attack: Held[Attack | None]

    def isolates(self, cell: Cell) -> bool:
        return is_foreign(cell)

    def model(self, model: ModelRef) -> MultiTaskModel:
        return _unpacked(self.models[_name(model)], self.device)

    def dataset(self, cell: Cell) -> Dataset:
        return self.data

    def attack(self, cell: Cell) -> Attack | None:
        return self.held_attack.get()


@dataclass(frozen=True)
class Answer:
    """What comes back of a parcel: the content of the shard's file, or what the attack or the model did wrong."""

    content: bytes = b""
    fault: str | None = None


@dataclass
class Sender:
    """Makes parcels, of which every model, attack and stretch of samples is sent once."""

    workshop: Workshop
    engine: Remote
    _sent: dict[object, Held[Any]] = field(default_factory=dict)

    def parcel(self, job: Job) -> Parcel:
        """The job with what it needs; raises BadInputError if that cannot be brought, or not be sent."""
        cell, workshop = job.cell, self.workshop
        attack = workshop.attack(cell)
        stretches = spans(cell) if isinstance(attack, SplitAttack) else [job.span]
        dataset = workshop.dataset(cell)
        return Parcel(
            job=job,
            batch_size=workshop.batch_size,
            device=self.engine.device,
            limits=workshop.limits,
            speedups=workshop.speedups,
            models={_name(one): self._model(one) for one in (cell.model, cell.source) if one is not None},
            data=SentDataset(
                cell.dataset.name, cell.dataset.sha256, {span: self._stretch(cell, dataset, span) for span in stretches}
            ),
            held_attack=self._attack(cell.attack, attack),
            files=self._files(),
        )

    def _model(self, model: ModelRef) -> Held[MultiTaskModel]:
        return self._once(("model", _name(model)), lambda: self.workshop.model(model), f"model {model.name}")

    def _stretch(self, cell: Cell, dataset: Dataset, span: Span) -> Held[Arrays]:
        data = cell.dataset.model_dump_json(exclude={"ids", "images"})
        what = f"samples of {cell.dataset.name}"
        return self._once((data, *cell.tasks, span), lambda: arrays_of(dataset.batch(range(*span))), what)

    def _attack(self, ref: AttackRef | None, attack: Attack | None) -> Held[Attack | None]:
        key = ("attack", ref and ref.model_dump_json())
        return self._once(key, lambda: attack, f"attack {ref.name}" if ref else "no attack")

    def _files(self) -> Held[tuple[File, ...]]:
        files = files_run()
        return self._once(("files", len(files)), lambda: files, "files")

    def _once(self, key: object, make: Callable[[], T], what: str) -> Held[T]:
        if key not in self._sent:
            self._sent[key] = self.engine.hold(make(), what)
        return self._sent[key]


@dataclass(frozen=True)
class Alike:
    """What workers must have in common with who sends them jobs, for one run's numbers to be of one kind."""

    code: str
    versions: Mapping[str, str]

    @classmethod
    def here(cls) -> Alike:
        """What this machine has."""
        return cls(code_sha256(), versions())

    def check(self) -> None:
        """Raises BadInputError, which says what differs, on a machine that has something else."""
        mine = Alike.here()
        place = f"the worker on {socket.gethostname()}"
        libraries = unlike(self.versions, mine.versions)
        if libraries:
            told = ", ".join(f"{name} {there} and not {here}" for name, (here, there) in libraries.items())
            raise BadInputError(f"{place} has other libraries than this machine: {told}; install the same")
        if mine.code != self.code:
            raise BadInputError(f"{place} has other code of mtrbench than this machine; install the same")


def send_jobs(
    workshop: Workshop, store: Store, engine: Remote, jobs: Iterable[Job]
) -> Generator[tuple[Job, Outcome], None, None]:
    """Have jobs done by workers elsewhere, and leave their results in the store here; each is named when it is done.

    Raises BadInputError for a worker with other code or libraries, and as `measure_cell` does.
    """
    claims: dict[tuple[str, Span], ExitStack] = {}
    idle: list[tuple[Job, Outcome]] = []

    def parcels(sender: Sender) -> Iterator[Parcel]:
        for job in jobs:
            with ExitStack() as claim:
                if not claim.enter_context(store.alone_with_shard(job.cell, job.span)):
                    idle.append((job, Outcome("elsewhere")))
                elif store.has_shard(job.cell, job.span):
                    idle.append((job, Outcome("stored")))
                else:
                    claims[job.cell.key, job.span] = claim.pop_all()
                    yield sender.parcel(job)

    def finished(parcel: Parcel, answer: Answer) -> Outcome:
        job = parcel.job
        with claims.pop((job.cell.key, job.span)):
            if answer.fault is not None:
                return Outcome("failed", answer.fault)
            store.save_shard(job.cell, job.span, answer.content)
            return Outcome("measured")

    try:
        with (
            engine.connected(),
            closing(engine.run(partial(_do, Alike.here()), parcels(Sender(workshop, engine)))) as done,
        ):
            for parcel, answer in done:
                yield parcel.job, finished(parcel, answer)
        yield from idle
    finally:
        for claim in claims.values():
            claim.close()


def environment_at(engine: Engine, workshop: Workshop) -> Environment:
    """Where an engine makes its results; that of workers elsewhere is what one of them says."""
    if not isinstance(engine, Remote):
        return environment(workshop.device, workshop.speedups)
    describe = partial(_described, Alike.here(), speedups=workshop.speedups)
    with closing(engine.run(describe, [engine.device])) as done:
        return next(done)[1]


def _do(alike: Alike, parcel: Parcel) -> Answer:
    alike.check()
    for file in parcel.files.get():
        run_file(file)
    try:
        return Answer(shard_of(parcel, parcel.job))
    except SpoiltError:
        raise
    except CellError as error:
        return Answer(fault=str(error))


def _described(alike: Alike, device: str, *, speedups: tuple[str, ...]) -> Environment:
    alike.check()
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadInputError(f"the worker on {socket.gethostname()} has no device {device!r}") from error
    return environment(device, speedups)


def _name(model: ModelRef) -> str:
    return model.model_dump_json()


@cache
def _unpacked(held: Held[MultiTaskModel], device: str) -> MultiTaskModel:
    """The model on `device`, once for each worker."""
    return held.get().to(device)

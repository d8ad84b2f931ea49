"""Jobs and a workshop of toys, importable by worker processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mtrbench import load_attack
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.attacks.registry import attack_facts
from mtrbench.benchmark.child import Limits
from mtrbench.benchmark.engines.serial import Serial
from mtrbench.benchmark.protocol.cells import AttackRef, Cell, DatasetRef, ModelRef, ThreatRef
from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.facts import AttackFacts, ModelFacts
from mtrbench.benchmark.protocol.types import Attack, Batch, Dataset, MultiTaskModel
from mtrbench.benchmark.recording import ids_sha256

J = TypeVar("J")
R = TypeVar("R")


def killed(_job: object) -> None:
    """Ends its process as the system does where memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Scribe:
    """Leaves a file for every job it does; refuses job `bad` once all before it are done; later ones take long."""

    folder: Path
    bad: int | None = None

    def __call__(self, job: int) -> None:
        if job == self.bad:
            while any(not (self.folder / str(earlier)).exists() for earlier in range(job)):
                time.sleep(0.01)  # what an engine does at the same time must not decide what the test sees
            raise BadInputError(f"job {job} is bad")
        if self.bad is not None and job > self.bad:
            time.sleep(600)
        (self.folder / str(job)).touch()


@dataclass(frozen=True)
class Points:
    """`count` toy images."""

    count: int
    name = "points"
    sha256 = "0" * 64

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(f"toy-{i}" for i in range(self.count))

    def batch(self, indices: Sequence[int]) -> Batch:
        return middle_batch(self.count).take(indices)


@dataclass(frozen=True)
class ToyWorkshop:
    """Linear models on points; writes every pass it serves into `log`."""

    log: Path
    batch_size: int = 32
    device: str = "cpu"
    limits: Limits = field(default_factory=Limits)
    speedups: tuple[str, ...] = ()

    def model(self, model: ModelRef) -> MultiTaskModel:
        return linear_model()

    def dataset(self, cell: Cell) -> Dataset:
        with self.log.open("a") as file:
            file.write(f"{cell.title}\n")
        return Points(cell.dataset.images)

    def isolates(self, cell: Cell) -> bool:
        return False

    def attack(self, cell: Cell) -> Attack | None:
        return load_attack(cell.attack.name) if cell.attack else None

    def control(self, cell: Cell) -> Cell:
        return cell.model_copy(update={"attack": AttackRef(name="noise", version="1", settings={})})

    def model_facts(self, cell: Cell) -> ModelFacts:
        return ModelFacts(trained_on="points", sharing_index=1.0, adversary=None, parameters=1, twin=None)

    def attack_facts(self, cell: Cell) -> AttackFacts:
        return attack_facts(cell.attack.name, self.attack(cell))

    @property
    def passes(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


def toy_cell(attack: str = "total-pgd", images: int = 70, **changes: object) -> Cell:
    ids = ids_sha256(Points(images).ids)
    return Cell(
        model=ModelRef(name="toy", sha256="1" * 64),
        dataset=DatasetRef(name="points", sha256="0" * 64, ids=ids, images=images, size=(6, 5)),
        tasks={name: {"task": "mtrbench.attacks.conformance.toys:Affine", "version": 1} for name in "ab"},
        attack=AttackRef(name=attack, version="1", settings={}),
        threat=ThreatRef(norm="linf", eps=4.0),
        seed=0,
    ).model_copy(update=changes)


@dataclass(frozen=True)
class Interrupted:
    """Ctrl-C after `after` jobs."""

    after: int

    def run(self, function: Callable[[J], R], jobs: Iterable[J]) -> Generator[tuple[J, R], None, None]:
        for number, done in enumerate(Serial().run(function, jobs)):
            if number == self.after:
                raise KeyboardInterrupt
            yield done

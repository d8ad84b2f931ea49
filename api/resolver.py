"""Cells out of names, and out of cells the objects that they name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from pydantic import ValidationError

from ..attacks.parts import check_tasks
from ..attacks.registry import attack_facts, load_attack
from ..benchmark.child import Limits
from ..benchmark.datasets.ahead import decoded_ahead
from ..benchmark.datasets.registry import load_dataset
from ..benchmark.jobs import is_foreign
from ..benchmark.protocol.arguments import BatchSize, DataRoot
from ..benchmark.protocol.cells import AttackRef, Cell, DatasetRef, ModelRef, Norm, ThreatRef
from ..benchmark.protocol.errors import BadInputError, unknown
from ..benchmark.protocol.facts import AttackFacts, ModelFacts
from ..benchmark.protocol.faults import first_fault
from ..benchmark.protocol.tasks.base import Task
from ..benchmark.protocol.tasks.registry import task_settings
from ..benchmark.protocol.threat import ThreatModel
from ..benchmark.protocol.types import Attack, Dataset, MultiTaskModel
from ..benchmark.suites.suite import Suite
from ..models.registry import CodeModel, find_model
from .devices import device_of
from .given import GivenAttack, named_attack
from .identity import attack_ref, dataset_ref, model_ref
from .metric_sets import judged_by, model_judged_by
from .model_facts import facts_of_foreign, facts_of_own, facts_without_card

Tasks = tuple[tuple[str, Task], ...]
"""Tasks with the names that a model calls them."""


class Attacking:
    """What every workshop here has in common: the attacks, by their names and settings, and batches of some size."""

    batch_size: BatchSize

    def __post_init__(self) -> None:
        if self.batch_size != "auto" and self.batch_size < 1:
            raise BadInputError(f"the batch size must be at least 1, not {self.batch_size}")

    def attack(self, cell: Cell) -> Attack | None:
        if cell.attack is None:
            return None
        return load_attack(cell.attack.name, **cell.attack.settings)

    def attack_facts(self, cell: Cell) -> AttackFacts:
        assert cell.attack is not None  # asked of attacked cells alone
        return attack_facts(cell.attack.name, load_attack(cell.attack.name, **cell.attack.settings))

    def control(self, cell: Cell) -> Cell:
        """The same cell under noise of the budget's size, which every attack must beat."""
        return cell.model_copy(update={"source": None, "attack": _control()})


@dataclass(frozen=True)
class LocalWorkshop(Attacking):
    """Models, data sets and attacks, loaded once per process, models onto `device`.

    `models` maps the models' names to where they were found: a registered name, a card's path, or `pkg.module:object`.
    `metrics` is a metric set, by which all of them are judged instead of as their cards say; `speedups` are those of
    attacks' passes, and `decode_workers` are threads that read data on disk ahead, as `decoded_ahead` says.
    """

    models: Mapping[str, str]
    data_root: DataRoot | None
    device: str
    batch_size: BatchSize
    limits: Limits = field(default_factory=Limits, kw_only=True)
    metrics: str | None = field(default=None, kw_only=True)
    decode_workers: int | None = field(default=None, kw_only=True)
    speedups: tuple[str, ...] = field(default=(), kw_only=True)

    def model(self, model: ModelRef) -> MultiTaskModel:
        return _model(self.models[model.name], model.sha256, self.device, self.metrics)

    def dataset(self, cell: Cell) -> Dataset:
        tasks = _tasks(self.models[cell.model.name], cell.model)
        return self._dataset(cell.dataset.name, tasks, cell.dataset.size, cell.dataset.images)

    def isolates(self, cell: Cell) -> bool:
        return is_foreign(cell)

    def model_facts(self, cell: Cell) -> ModelFacts:
        found, model = find_model(self.models[cell.model.name]), self.model(cell.model)
        if isinstance(found, CodeModel):
            return facts_without_card(model, self.dataset(cell))
        if cell.model.code:
            return facts_of_foreign(found.card, model, self.dataset(cell))
        return facts_of_own(found.card, model)

    def cells(self, suite: Suite, targets: tuple[str, ...] | None = None) -> list[Cell]:
        """The cells of a suite on the workshop's models, each once; `targets` are the tasks that the attacker sees."""
        if not self.models:
            raise BadInputError("the suite names no models; say which by --model")
        cells = []
        subject = cache(self._subject)  # hundreds of cells have one model
        for part in suite.parts:
            subjects = [subject(model) for model, place in self.models.items() if place in part.models]
            sources = [self._dataset_ref(one, part.dataset, part.images) for one in subjects]
            attacks = [named_attack(attack, part.defaults) for attack in part.attacks] if subjects else []
            own = [
                make_cell(one.ref, one.tasks, source, attack, threat_ref(part.norm, eps, targets), part.seed)
                for eps in part.eps
                for one, source in zip(subjects, sources, strict=True)
                for attack in attacks
            ]
            cells += own
            if suite.transfer:
                cells += transfers(own)
        return [*{cell.key: cell for cell in cells}.values()]

    def cell(
        self,
        model: str,
        dataset: str,
        images: int | None,
        attack: str,
        threat: ThreatRef,
        seed: int,
        defaults: Mapping[str, object],
    ) -> Cell:
        """The cell that these names stand for.

        Raises BadInputError for an unknown name and for anything that the model or the data set refuses.
        """
        subject = self._subject(model)
        source = self._dataset_ref(subject, dataset, images)
        return make_cell(subject.ref, subject.tasks, source, named_attack(attack, defaults), threat, seed)

    def _subject(self, model: str) -> _Subject:
        found = find_model(self.models[model])
        return _Subject(model_ref(found), judged_by(self.metrics, found.tasks), found.size)

    def _dataset_ref(self, subject: _Subject, dataset: str, images: int | None) -> DatasetRef:
        source = self._dataset(dataset, (*subject.tasks.items(),), subject.size, images)
        return dataset_ref(dataset, source, subject.size)

    def _dataset(self, name: str, tasks: Tasks, size: tuple[int, int], images: int | None) -> Dataset:
        return _dataset(name, tasks, self.data_root, size, images, self.device, self.decode_workers)


@dataclass(frozen=True)
class _Subject:
    """A model as its cells have it, and the size of the images that it is evaluated on."""

    ref: ModelRef
    tasks: Mapping[str, Task]
    size: tuple[int, int]


def transfers(cells: Sequence[Cell]) -> list[Cell]:
    """Every cell with every other cell's model as the one that the attack sees.

    Raises BadInputError for models of different tasks: an attack needs the truth of all that its model answers.
    """
    seen = {cell.model.name: cell for cell in cells}
    for one, other in pairwise(seen.values()):
        if one.tasks != other.tasks:
            raise BadInputError(f"nothing transfers between {one.model.name} and {other.model.name}: other tasks")
    return [
        cell.model_copy(update={"source": other.model})
        for cell in cells
        for other in seen.values()
        if other.model != cell.model
    ]


def make_cell(
    model: ModelRef,
    tasks: Mapping[str, Task],
    dataset: DatasetRef,
    attack: GivenAttack,
    threat: ThreatRef,
    seed: int,
) -> Cell:
    """The cell of an attack against a model; raises BadInputError for a task of either that the model lacks."""
    for target in threat.targets or ():
        if target not in tasks:
            raise unknown(f"task of model {model.name}", target, tasks)
    check_tasks(attack.ref.name, attack.attack, threat.targets or tuple(tasks))
    return Cell(
        model=model,
        dataset=dataset,
        tasks=task_settings(tasks),
        attack=attack.ref,
        threat=threat,
        seed=seed,
    )


def threat_ref(norm: Norm, eps: float, targets: tuple[str, ...] | None) -> ThreatRef:
    """The budget as data, `eps` in (0, 255] in 1/255; raises BadInputError if there is no such budget."""
    if not 0 < eps <= 255:
        raise BadInputError(f"eps must be a number in (0, 255], in units of 1/255, not {eps}")
    if targets is not None and len(set(targets)) < len(targets):
        raise BadInputError(f"targets {', '.join(targets)} name a task twice")
    ThreatModel(norm, eps / 255, targets)
    try:
        return ThreatRef(norm=norm, eps=eps, targets=targets)
    except ValidationError as error:
        raise BadInputError(f"targets {targets!r}: {first_fault(error)}") from error


def found_models(sources: Iterable[str]) -> dict[str, str]:
    """Where each model comes from, by its card's name; raises BadInputError if one is unknown or two share a name."""
    found: dict[str, str] = {}
    for source in sources:
        name = find_model(source).name
        if found.setdefault(name, source) != source:
            raise BadInputError(f"models {found[name]} and {source} are both called {name}; evaluate them apart")
    return found


@cache
def _model(name: str, sha256: str, device: str, metrics: str | None) -> MultiTaskModel:
    """The model with those weights, judged by `metrics`; raises BadInputError if its card names others by now."""
    found = find_model(name)
    if model_ref(found).sha256 != sha256:
        if isinstance(found, CodeModel):
            raise BadInputError(f"model {name} has other weights whenever it is made; load them, or set torch's seed")
        raise BadInputError(f"model {name} was trained anew while it was evaluated; start again")
    return model_judged_by(metrics, found.load().to(device_of(device)))


@cache
def _control() -> AttackRef:
    return attack_ref("noise", load_attack("noise"))


@cache
def _tasks(name: str, model: ModelRef) -> Tasks:
    """The tasks of the model called `name`, which is `model`."""
    return (*find_model(name).tasks.items(),)


@cache
def _dataset(
    name: str,
    tasks: Tasks,
    root: DataRoot | None,
    size: tuple[int, int],
    images: int | None,
    device: str,
    decode_workers: int | None,
) -> Dataset:
    """The data set with the truth of these tasks."""
    found = load_dataset(name, dict(tasks), root=root, size=size, images=images)
    return decoded_ahead(found, device_of(device), decode_workers)

"""One cell from Python, with names or objects."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import torch
from pydantic import ValidationError
from torch.nn.parameter import is_lazy

from ..benchmark.datasets.ahead import decoded_ahead
from ..benchmark.datasets.objects import dataset_object
from ..benchmark.datasets.registry import load_dataset
from ..benchmark.engines import Serial
from ..benchmark.protocol.arguments import BatchSize, DataRoot, batch_size_of, folder, image_size, root_of, whole
from ..benchmark.protocol.cells import Cell, DatasetRef, ModelRef, Norm
from ..benchmark.protocol.eps import eps_255
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.faults import first_fault
from ..benchmark.protocol.records import AnyRecord, CleanRecord, Record
from ..benchmark.protocol.tasks.base import Task
from ..benchmark.protocol.types import Attack, Dataset, MultiTaskModel
from ..benchmark.store import Store
from ..models.registry import find_model
from ..models.wrap import inner_network
from .devices import device_of
from .given import GivenAttack, attack_object, named_attack
from .identity import dataset_object_ref, dataset_ref, model_object_ref, model_ref
from .in_memory import OwnWorkshop
from .resolver import found_models, make_cell, threat_ref
from .running import Progress, evaluate_all

SIZE = (64, 64)


def evaluate(
    model: str | MultiTaskModel,
    attack: str | Attack,
    dataset: str | Dataset | None = None,
    *,
    name: str | None = None,
    eps: float | str = 4.0,
    norm: Norm = "linf",
    targets: str | Iterable[str] | None = None,
    images: int | None = None,
    size: int | tuple[int, int] | None = None,
    steps: int | None = None,
    seed: int = 0,
    data_root: str | PathLike[str] | None = None,
    batch_size: BatchSize = 32,
    device: str | torch.device = "cpu",
    decode_workers: int | None = None,
    store: str | PathLike[str] | None = None,
    progress: Progress = False,
) -> Record:
    """The record of one attack against one model, as `mtrbench run` makes it.

    `model` is a registered name, the path of a card, or a model in memory, as `wrap` makes it, which is moved to
    `device` and called `name` in the record, or else as its network's class is. `attack` is a name, with its settings
    in brackets, or an attack in memory. `dataset` is a name, or a data set in memory; if None, it is the one that the
    model's card names.

    `eps` is in 1/255, as `4` or `"4/255"`. `targets` are the tasks that the attacker sees, all by default. `images`
    None is all of the data set. `data_root` is the folder of one that does not ship with the package, or a `DataRoot`,
    which says the files' format, too. A card says the images' size; a model in memory gets images of `size` (H, W), or
    one number for both, 64 by default, unless the data set is in memory, too. `steps` goes to an attack by name, if it
    takes any. `batch_size` "auto" is as many images at once as memory and throughput let them.
    `decode_workers` threads read images on disk before they are needed: by default none, and up to 4 for a GPU.

    With a folder `store`, as `mtrbench run --out` makes it, nothing that is there is computed twice, and what is
    interrupted goes on. `progress` draws a bar, or is called with the images done and all images.

    Raises BadInputError for anything that the command would refuse.
    """
    given: dict[str, Any] = {"name": name, "eps": eps, "norm": norm, "targets": targets, "images": images, "size": size}
    given |= {"steps": steps, "seed": seed, "data_root": data_root, "batch_size": batch_size, "device": device}
    given |= {"decode_workers": decode_workers}
    cell, workshop = _planned(model, attack, dataset, **given)
    (record,) = _measured([cell], workshop, store, progress)
    return cast(Record, record)


def evaluate_with_clean(
    model: str | MultiTaskModel,
    attack: str | Attack,
    dataset: str | Dataset | None = None,
    *,
    store: str | PathLike[str] | None = None,
    progress: Progress = False,
    **given: Any,
) -> tuple[Record, CleanRecord]:
    """What `evaluate` gives for the same arguments, and the record of the model's clean pass."""
    cell, workshop = _planned(model, attack, dataset, **given)
    attacked, clean = _measured([cell, cell.clean], workshop, store, progress)
    return cast(Record, attacked), cast(CleanRecord, clean)


def _measured(
    cells: Sequence[Cell], workshop: OwnWorkshop, store: str | PathLike[str] | None, progress: Progress
) -> list[AnyRecord]:
    with TemporaryDirectory() as passing:
        kept = Store(folder(store, "store") or Path(passing))
        return evaluate_all(cells, workshop, kept, Serial(), progress).all_records()


def _planned(
    model: str | MultiTaskModel,
    attack: str | Attack,
    dataset: str | Dataset | None = None,
    *,
    name: str | None = None,
    eps: float | str = 4.0,
    norm: Norm = "linf",
    targets: str | Iterable[str] | None = None,
    images: int | None = None,
    size: int | tuple[int, int] | None = None,
    steps: int | None = None,
    seed: int = 0,
    data_root: str | PathLike[str] | None = None,
    batch_size: BatchSize = 32,
    device: str | torch.device = "cpu",
    decode_workers: int | None = None,
) -> tuple[Cell, OwnWorkshop]:
    """The cell that `evaluate` is asked for, and what it is evaluated with."""
    threat = threat_ref(norm, eps_255(eps, norm), _targets(targets))
    number, batch = whole(seed, "seed"), batch_size_of(batch_size)
    decoders = None if decode_workers is None else whole(decode_workers, "decode_workers", least=0)
    root, place = root_of(data_root), device_of(device)
    made = _attack(attack, steps)
    subject = _with_card(model, name, size) if isinstance(model, str) else _in_memory(model, name, size, place)
    data, data_ref = _data(dataset, subject, images, root)
    data = decoded_ahead(data, place, decoders)
    cell = make_cell(subject.ref, subject.tasks, data_ref, made, threat, number)
    workshop = OwnWorkshop(subject.found, root, str(place), batch, subject.own, data, made)
    return cell, workshop


@dataclass(frozen=True)
class _Subject:
    """A model to be evaluated: `own` from memory, or by its name, `found` where that says.

    `dataset` and `size` are what its card says, or what was asked for.
    """

    ref: ModelRef
    tasks: Mapping[str, Task]
    dataset: str | None
    size: tuple[int, int] | None
    own: MultiTaskModel | None = None
    found: Mapping[str, str] = field(default_factory=dict)


def _with_card(model: str, name: str | None, size: object) -> _Subject:
    for what, given in {"name": name, "size": size}.items():
        if given is not None:
            raise BadInputError(f"model {model} has a {what} already; leave out {what} {given}")
    found = find_model(model)
    return _Subject(model_ref(found), found.tasks, found.dataset, found.size, found=found_models([model]))


def _in_memory(model: object, name: str | None, size: object, device: torch.device) -> _Subject:
    if not isinstance(model, MultiTaskModel):
        what = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise BadInputError(f"the model must be a name, a card's path or what mtrbench.wrap makes, not {what}")
    if any(module.training for module in model.modules()):
        raise BadInputError("the model is in training mode, in which answers depend on the batch; call its eval()")
    if any(is_lazy(parameter) for parameter in model.parameters()):
        raise BadInputError("the model has layers that wait for their first input (Lazy...); run it once on images")
    if any(parameter.is_inference() for parameter in model.parameters()):  # it would give no gradient
        with torch.inference_mode(False):
            model = copy.deepcopy(model)
    called = type(inner_network(model)).__name__ if name is None else name
    try:
        ref = model_object_ref(called, model)
    except ValidationError as error:
        raise BadInputError(f"a model cannot be called {called!r}: {first_fault(error)}") from error
    return _Subject(ref, model.tasks, None, None if size is None else image_size(size), model.to(device))


def _attack(attack: object, steps: int | None) -> GivenAttack:
    defaults = {} if steps is None else {"steps": whole(steps, "steps")}
    if isinstance(attack, str):
        return named_attack(attack, defaults)
    if defaults:
        raise BadInputError(f"the attack is made already; leave out steps {steps} and make it with as many")
    return attack_object(attack)


def _data(
    dataset: str | Dataset | None, subject: _Subject, images: int | None, root: DataRoot | None
) -> tuple[Dataset, DatasetRef]:
    dataset = subject.dataset if dataset is None else dataset
    if dataset is None:
        raise BadInputError(f"model {subject.ref.name} has no card that says a data set; name one, or give one")
    if isinstance(dataset, str):
        size = subject.size or SIZE
        data = load_dataset(dataset, subject.tasks, root=root, size=size, images=images)
        return data, dataset_ref(dataset, data, size)
    data, size = dataset_object(dataset, subject.tasks, None if images is None else whole(images, "images"))
    if subject.size not in (None, size):
        raise BadInputError(f"the images of data set {data.name} are {size[0]} x {size[1]}; no other size can be given")
    return data, dataset_object_ref(data, size)


def _targets(targets: object) -> tuple[str, ...] | None:
    if targets is None or isinstance(targets, str):
        return None if targets is None else (targets,)
    if not isinstance(targets, Iterable):
        raise BadInputError(f"targets must be names of tasks, not {targets!r}")
    return (*targets,)

"""Trainings from a recipe to a card with weights."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from hashlib import sha256
from os import PathLike
from pathlib import Path

import tomli_w
import torch
from pydantic import ValidationError

from ..attacks.parts import check_tasks
from ..attacks.registry import describe, load_attack
from ..benchmark.datasets.registry import load_dataset
from ..benchmark.datasets.training import load_training
from ..benchmark.engines import default_workers
from ..benchmark.environment import environment, versions
from ..benchmark.protocol.arguments import path, root_of, whole
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.tasks.registry import make_tasks
from ..benchmark.protocol.types import Dataset, MultiTaskModel
from ..models.building import build, load_card_model
from ..models.card import Card, Training, Weights
from ..models.fingerprint import fingerprint
from ..models.nets.pretrained import load_backbone
from ..models.packing import packed, unpack
from ..models.registry import find_card
from ..models.training.checkpoint import Checkpoint
from ..models.training.log import Log
from ..models.training.loop import columns
from ..models.training.loop import train as train_model
from ..models.training.recipe import Recipe, read_recipe
from ..models.training.scenes import rendered
from ..models.training.trainer import Trainer
from .cards import FILE, clean_scores_of, write_card
from .devices import device_of


@dataclass(frozen=True)
class Trained:
    """The card of a trained model, and the path that it was written to; the training took so many `seconds`."""

    card: Card
    path: Path
    seconds: float


def train(
    recipe: str | PathLike[str],
    out: str | PathLike[str] = "mtrbench-results/models",
    *,
    device: str | torch.device = "auto",
    workers: int | None = None,
    data_root: str | PathLike[str] | None = None,
    backbone_weights: str | PathLike[str] | None = None,
    checkpoint_every: int = 200,
) -> Trained:
    """Train the model of a recipe, a TOML file, as `mtrbench train` does: its card and weights come to `out`/NAME.

    An interrupted training goes on from the checkpoint that it wrote every `checkpoint_every` steps. `device` "auto" is
    a GPU if there is one; `workers` processes make the images, by default one per core. `data_root` is the folder of a
    data set that does not ship with the package, `backbone_weights` a file of public weights to start from.

    Raises BadInputError for a bad recipe and whatever else does not fit, before the first step.
    """
    home, source = path(out, "out", "folder"), path(recipe, "recipe")
    root, place = root_of(data_root), device_of(device)
    public = None if backbone_weights is None else path(backbone_weights, "backbone_weights")
    makers = default_workers() if workers is None else whole(workers, "workers", least=0)
    every = whole(checkpoint_every, "checkpoint_every", least=1)

    plan, digest = read_recipe(source)
    tasks = make_tasks(plan.tasks)
    if plan.adversary:
        check_tasks(plan.adversary.attack, load_attack(plan.adversary.attack, **plan.adversary.settings), [*tasks])
    evaluation = load_dataset(plan.dataset, tasks, size=plan.size, root=root)
    scenes, apart = load_training(
        plan.dataset,
        tasks,
        size=plan.size,
        seed=plan.seed,
        count=plan.scenes,
        validation=plan.validation,
        root=root,
    )
    images = len(scenes)  # type: ignore[arg-type]

    own = home / plan.name
    own.mkdir(parents=True, exist_ok=True)  # better now than after hours of training
    torch.manual_seed(plan.seed)
    model = build(plan.architecture, tasks)
    start = started(model, plan, home, public)
    trainer = Trainer.start(plan, model, place, plan.total(images))
    provenance = make_provenance(trainer, source.name, digest, images, start)
    origin = " on ".join([digest, *filter(None, [start.initial_sha256 or start.backbone_sha256])])
    checkpoint = Checkpoint(home / "checkpoints" / f"{plan.name}.pt", origin)
    trainer.resume(checkpoint)
    logged = trainer.step
    training = rendered(scenes, makers, home / "cache")
    validation = rendered(apart, makers, home / "cache") if apart else None
    commit = environment(str(place)).commit
    clean = plan.clean_start(start, place.type, training.sha256, *tasks.values(), versions(), commit)
    clean_start = Checkpoint(home / "cache" / f"{clean}.pt", clean)
    if trainer.step == 0:
        trainer.resume(clean_start, plan.adversary.start if plan.adversary else None)
    with Log(home / "logs" / f"{plan.name}.csv", columns(trainer), logged) as log:
        train_model(trainer, training, validation, checkpoint, clean_start, every, log)

    content = packed(model.cpu(), plan.packing)
    unpack(model, content)
    card = card_of(trainer, provenance, content, evaluation)
    written = write_card(card, content, own)
    checkpoint.remove()
    return Trained(card, written, trainer.seconds)


@dataclass(frozen=True)
class Start:
    """What a training starts from: digests of public backbone weights, and of another model's, with its name."""

    backbone_sha256: str | None = None
    initial: str | None = None
    initial_sha256: str | None = None


def started(model: MultiTaskModel, plan: Recipe, out: Path, backbone_weights: Path | None) -> Start:
    """Give the model the weights that its training starts from.

    The recipe's `initial` model is looked for in `out`, then among the registered models. Raises BadInputError if
    there is none, if it is another network, and for backbone weights beside it.
    """
    if plan.initial is None:
        if backbone_weights is None:
            return Start()
        return Start(load_backbone(model.net, backbone_weights, plan.architecture.names))
    if backbone_weights is not None:
        raise BadInputError(f"the recipe starts from model {plan.initial}; leave out --backbone-weights")
    own = out / plan.initial / "card.toml"
    card, folder = find_card(str(own) if own.exists() else plan.initial)
    if (card.architecture, card.tasks) != (plan.architecture, plan.tasks):
        raise BadInputError(f"the recipe starts from model {plan.initial}, which has other tasks or another network")
    model.load_state_dict(load_card_model(card, folder).state_dict())
    backbone = card.training.backbone_sha256 if card.training else None
    return Start(backbone, plan.initial, card.weights.sha256)


def make_provenance(trainer: Trainer, recipe: str, digest: str, images: int, start: Start) -> Training:
    """What a card says of a training, as far as it is known before.

    Raises BadInputError for an inner attack whose settings no card can hold.
    """
    plan, device = trainer.recipe, trainer.device
    adversary, inner = plan.adversary, trainer.adversary
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    settings = describe(adversary.attack, inner)[1] if adversary and inner else None
    try:
        tomli_w.dumps(settings or {})
        return Training(
            recipe=recipe,
            recipe_sha256=digest,
            **asdict(start),
            attack=adversary.attack if adversary else None,
            eps=adversary.eps if adversary else None,
            settings=settings,
            start=adversary.start if adversary else None,
            share=adversary.share if adversary else None,
            steps=trainer.steps,
            seed=plan.seed,
            scenes=images,
            seconds=0,
            hardware=f"{hardware}, {torch.get_num_threads()} threads",
            versions=versions(),
        )
    except (TypeError, ValidationError) as error:
        raise BadInputError(f"the inner attack's settings {settings} cannot be written to a card") from error


def card_of(trainer: Trainer, provenance: Training, content: bytes, evaluation: Dataset) -> Card:
    """The card of a freshly trained model, with its clean scores on the evaluation split."""
    plan, model = trainer.recipe, trainer.model
    course = {"best_step": trainer.best.step if trainer.best else None, "seconds": round(trainer.seconds)}
    return Card(
        name=plan.name,
        dataset=plan.dataset,
        size=plan.size,
        licence=plan.licence,
        twin=plan.twin,
        tasks=plan.tasks,
        architecture=plan.architecture,
        weights=Weights(file=FILE, sha256=sha256(content).hexdigest()),
        training=provenance.model_copy(update=course),
        clean=clean_scores_of(model, evaluation),
        fingerprint=fingerprint(model, plan.size),
    )

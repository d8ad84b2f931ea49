"""`mtrbench train`."""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import click
import tomli_w
import torch
from pydantic import ValidationError

from ..api.devices import device_of
from ..attacks.registry import check_tasks, describe, load_attack
from ..benchmark.datasets.registry import DATASETS, TRAINING, load_dataset
from ..benchmark.datasets.rooms.training import VALIDATION
from ..benchmark.engines import default_workers
from ..benchmark.environment import environment, versions
from ..benchmark.harness import clean_pass, in_batches
from ..benchmark.protocol.errors import BadInputError, unknown
from ..benchmark.protocol.files import write_atomically
from ..benchmark.protocol.tasks.registry import make_task
from ..benchmark.protocol.types import Dataset
from ..benchmark.stats import bootstrap_scores, resampling_weights
from ..models.card import Card, Clean, Training, Weights, build, fingerprint, packed, unpack
from ..models.nets.pretrained import load_backbone
from ..models.training.checkpoint import Checkpoint
from ..models.training.log import Log
from ..models.training.loop import columns
from ..models.training.loop import train as train_model
from ..models.training.recipe import read_recipe
from ..models.training.scenes import rendered
from ..models.training.trainer import Trainer

# Float16 weights are the same everywhere; what differs between machines is the rounding of sums.
TOLERANCE = 0.01
BATCH = 32


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("mtrbench-results/models"), show_default=True)
@click.option("--device", default="cpu", show_default=True)
@click.option("--workers", type=click.IntRange(min=0), default=default_workers, help="Processes that render scenes.")
@click.option(
    "--backbone-weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Public weights to start from: safetensors, or a torch state dict.",
)
@click.option("--checkpoint-every", type=click.IntRange(min=1), default=200, show_default=True, metavar="STEPS")
def train(
    recipe: Path, out: Path, device: str, workers: int, backbone_weights: Path | None, checkpoint_every: int
) -> None:
    """Train the model of RECIPE (a TOML file); write OUT/NAME/card.toml and OUT/NAME/weights.safetensors.

    An interrupted training goes on from OUT/checkpoints/NAME.pt when it is started again. OUT/logs/NAME.csv is its
    course. OUT/cache keeps rendered scenes, and the clean steps that recipes with one start have in common, for the
    next training; it may be removed.
    """
    plan, digest = read_recipe(recipe)
    place = device_of(device)
    tasks = {name: make_task(name, **settings) for name, settings in plan.tasks.items()}
    if plan.adversary:
        check_tasks(plan.adversary.attack, load_attack(plan.adversary.attack, **plan.adversary.settings), [*tasks])
    if plan.dataset in DATASETS and plan.dataset not in TRAINING:
        raise unknown("data set with training scenes", plan.dataset, TRAINING)
    evaluation = load_dataset(plan.dataset, tasks, size=plan.size)
    make_scenes = cast(Callable[..., Any], TRAINING.get(plan.dataset))
    make_scenes = partial(make_scenes, seed=plan.seed, size=plan.size, tasks=tasks)
    scenes = make_scenes(count=plan.scenes)

    folder = out / plan.name
    folder.mkdir(parents=True, exist_ok=True)  # better now than after hours of training
    torch.manual_seed(plan.seed)
    model = build(plan.architecture, tasks)
    backbone = None
    if backbone_weights:
        backbone = load_backbone(model.net, backbone_weights, plan.architecture.names)
    trainer = Trainer.start(plan, model, place)
    provenance = make_provenance(trainer, recipe.name, digest, backbone)
    origin = digest if backbone is None else f"{digest} on {backbone}"
    checkpoint = Checkpoint(out / "checkpoints" / f"{plan.name}.pt", origin)
    trainer.resume(checkpoint)
    logged = trainer.step
    training, validation = rendered(scenes, workers, out / "cache"), None
    if plan.validation:
        validation = rendered(make_scenes(count=plan.validation, split=VALIDATION), workers, out / "cache")
    clean = plan.clean_start(
        backbone, place.type, training.sha256, *tasks.values(), versions(), environment(device).commit
    )
    clean_start = Checkpoint(out / "cache" / f"{clean}.pt", clean)
    if trainer.step == 0:
        trainer.resume(clean_start, plan.adversary.start if plan.adversary else None)
    with Log(out / "logs" / f"{plan.name}.csv", columns(trainer), logged) as log:
        train_model(trainer, training, validation, checkpoint, clean_start, checkpoint_every, log)

    content = packed(model.cpu())
    unpack(model, content)
    card = make_card(trainer, provenance, content, evaluation)
    path, text = folder / "card.toml", tomli_w.dumps(card.model_dump(mode="json", exclude_none=True))
    write_atomically(folder / card.weights.file, content)
    write_atomically(path, text.encode())
    checkpoint.remove()
    click.echo(f"{path}: trained in {trainer.seconds / 60:.1f} minutes")
    for task, scores in card.clean.scores.items():
        click.echo(f"  {task}: " + ", ".join(f"{name} {value:.3f}" for name, value in scores.items()))


def make_provenance(trainer: Trainer, recipe: str, digest: str, backbone: str | None) -> Training:
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
            backbone_sha256=backbone,
            attack=adversary.attack if adversary else None,
            eps=adversary.eps if adversary else None,
            settings=settings,
            start=adversary.start if adversary else None,
            share=adversary.share if adversary else None,
            steps=plan.steps,
            seed=plan.seed,
            scenes=plan.scenes,
            seconds=0,
            hardware=f"{hardware}, {torch.get_num_threads()} threads",
            versions=versions(),
        )
    except (TypeError, ValidationError) as error:
        raise BadInputError(f"the inner attack's settings {settings} cannot be written to a card") from error


def make_card(trainer: Trainer, provenance: Training, content: bytes, evaluation: Dataset) -> Card:
    """The card of a freshly trained model, with its clean scores on the evaluation split."""
    plan, model = trainer.recipe, trainer.model
    count = len(evaluation.ids)
    clean = clean_pass(model, in_batches(evaluation, range(count), BATCH))
    weights = resampling_weights(count)
    scores = {name: bootstrap_scores(task, clean.statistics[name], weights) for name, task in model.tasks.items()}
    return Card(
        name=plan.name,
        dataset=plan.dataset,
        size=plan.size,
        licence=plan.licence,
        twin=plan.twin,
        tasks=plan.tasks,
        architecture=plan.architecture,
        weights=Weights(file="weights.safetensors", sha256=sha256(content).hexdigest()),
        training=provenance.model_copy(
            update={"best_step": trainer.best.step if trainer.best else None, "seconds": round(trainer.seconds)}
        ),
        clean=Clean(
            images=count,
            tolerance=TOLERANCE,
            scores={
                task: {name: round(score.value, 5) for name, score in metrics.items()}
                for task, metrics in scores.items()
            },
            intervals={
                task: {
                    name: (round(estimate.low, 5), round(estimate.high, 5))
                    for name, score in metrics.items()
                    for estimate in [score.estimate()]
                    if estimate.low is not None and estimate.high is not None
                }
                for task, metrics in scores.items()
            },
        ),
        fingerprint=fingerprint(model),
    )

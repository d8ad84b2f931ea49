"""`mtrbench train`."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import click
import tomli_w
import torch

from ..benchmark.datasets.registry import TRAINING, load_dataset
from ..benchmark.engines import default_workers
from ..benchmark.environment import versions
from ..benchmark.harness import measure
from ..benchmark.protocol.files import write_atomically
from ..benchmark.protocol.tasks import make_task
from ..benchmark.protocol.types import Dataset, MultiTaskModel
from ..models.card import Card, Clean, Training, Weights, build, fingerprint, packed, unpack
from ..models.training.loop import train as train_model
from ..models.training.recipe import Recipe, read_recipe
from .devices import device_of

# Float16 weights are the same everywhere; what differs between machines is the rounding of sums.
TOLERANCE = 0.01


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("mtrbench-results/models"), show_default=True)
@click.option("--device", default="cpu", show_default=True)
@click.option("--workers", type=click.IntRange(min=0), default=default_workers, help="Processes that render scenes.")
def train(recipe: Path, out: Path, device: str, workers: int) -> None:
    """Train the model of RECIPE (a TOML file); write OUT/weights/NAME.safetensors and OUT/cards/NAME.toml."""
    plan, digest = read_recipe(recipe)
    place = device_of(device)
    tasks = {name: make_task(name, **settings) for name, settings in plan.tasks.items()}
    evaluation = load_dataset(plan.dataset, tasks, size=plan.size)
    make_scenes = cast(Callable[..., Any], TRAINING.get(plan.dataset))
    scenes = make_scenes(seed=plan.seed, count=plan.scenes, size=plan.size, tasks=tasks)

    for folder in ("weights", "cards"):
        (out / folder).mkdir(parents=True, exist_ok=True)  # better now than after hours of training
    torch.manual_seed(plan.seed)
    model = build(plan.architecture, tasks)
    start = time.perf_counter()
    train_model(plan, model, scenes, workers, place)
    seconds = time.perf_counter() - start

    content = packed(model.cpu())
    unpack(model, content)
    card = make_card(plan, digest, model, content, evaluation, seconds, place)
    write_atomically(out / "weights" / card.weights.file, content)
    path = out / "cards" / f"{card.name}.toml"
    write_atomically(path, tomli_w.dumps(card.model_dump(mode="json", exclude_none=True)).encode())
    click.echo(f"{path}: trained in {seconds / 60:.1f} minutes")
    for task, scores in card.clean.scores.items():
        click.echo(f"  {task}: " + ", ".join(f"{name} {value:.3f}" for name, value in scores.items()))


def make_card(
    plan: Recipe,
    digest: str,
    model: MultiTaskModel,
    content: bytes,
    evaluation: Dataset,
    seconds: float,
    device: torch.device,
) -> Card:
    """The card of a freshly trained model, with its clean scores on the evaluation split."""
    count = len(evaluation.ids)
    clean = measure(model, (evaluation.batch(range(i, min(i + 32, count))) for i in range(0, count, 32)))
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return Card(
        name=plan.name,
        dataset=plan.dataset,
        size=plan.size,
        licence=plan.licence,
        twin=plan.twin,
        tasks=plan.tasks,
        architecture=plan.architecture,
        weights=Weights(file=f"{plan.name}.safetensors", sha256=sha256(content).hexdigest()),
        training=Training(
            recipe=f"{plan.name}.toml",
            recipe_sha256=digest,
            attack=plan.adversary.attack if plan.adversary else None,
            eps=plan.adversary.eps if plan.adversary else None,
            steps=plan.steps,
            seed=plan.seed,
            scenes=plan.scenes,
            seconds=round(seconds),
            hardware=f"{hardware}, {torch.get_num_threads()} threads",
            versions=versions(),
        ),
        clean=Clean(
            images=count,
            tolerance=TOLERANCE,
            scores={
                name: {
                    metric: round(float(value), 5)
                    for metric, value in task.scores(clean.statistics[name].sum(axis=0)).items()
                }
                for name, task in model.tasks.items()
            },
        ),
        fingerprint=fingerprint(model),
    )

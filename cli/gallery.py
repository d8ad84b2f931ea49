"""`mtrbench gallery`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click
import torch
from torch import Tensor

from ..api.panels import panels
from ..api.resolver import LocalWorkshop, found_models, threat_ref
from ..benchmark.datasets.rooms.labels import CLASSES
from ..benchmark.protocol.arguments import DataRoot
from ..benchmark.protocol.cells import Cell, Norm
from ..benchmark.protocol.errors import BadInputError, blamed_on
from ..benchmark.protocol.files import write_atomically
from ..benchmark.protocol.noise import Noise
from ..benchmark.protocol.tasks.base import Task
from ..benchmark.protocol.threat import ThreatModel
from ..benchmark.protocol.types import Batch, MultiTaskModel, SplitAttack
from ..benchmark.protocol.verify import verified
from ..leaderboards.analysis.gallery import Exhibit
from ..leaderboards.site.exhibit import Shown, factor, picture
from ..models.registry import find_model
from .options import Eps, data_options, norm_option
from .terminal import Command, echo


@click.command(cls=Command)
@click.option("--model", "models", multiple=True, required=True, help="Repeatable.")
@click.option("--attack", "attacks", multiple=True, required=True, help="Repeatable.")
@click.option(
    "--image", "images", type=click.IntRange(min=0), multiple=True, default=(0,), help="By its place; repeatable."
)
@click.option("--dataset", help="Instead of the one that the model was trained on.")
@data_options
@click.option("--eps", type=Eps(), default=4.0, show_default=True, help="Budget in 1/255 (4 or 4/255).")
@norm_option("linf", "What the budget bounds: the largest change, or its length.")
@click.option("--steps", type=click.IntRange(min=1), default=20, show_default=True, help="Steps of iterative attacks.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("mtrbench-results/gallery"))
def gallery(
    models: Sequence[str],
    attacks: Sequence[str],
    images: Sequence[int],
    dataset: str | None,
    data_root: DataRoot | None,
    eps: float,
    norm: Norm,
    steps: int,
    out: Path,
) -> None:
    """Draw what attacks do to images, as PNG files in OUT: the image, the perturbation, every task before and after.

    `mtrbench leaderboard` puts those in the folder gallery, beside that of the records, on the site, but for pictures
    of a --data-root: they hold its photographs, and stay with whoever has these.
    """
    workshop = LocalWorkshop(found_models(models), data_root, "cpu", batch_size=1)
    for model, place in workshop.models.items():
        own = find_model(place).dataset
        if dataset is None and own is None:
            raise BadInputError(f"no card of {model} says a data set; name one by --dataset")
        for attack in attacks:
            cell = workshop.cell(
                model, dataset or str(own), None, attack, threat_ref(norm, eps, None), 0, {"steps": steps}
            )
            for image in images:
                exhibit, shown = attacked(workshop, cell, attack, image)
                # The embedded rooms have these classes; what others mean by theirs is not known here.
                content, maps = picture(shown, CLASSES if data_root is None else ())
                exhibit = exhibit.model_copy(update={"private": data_root is not None, "panels": maps})
                name = re.sub(r"[^\w.@+-]+", "-", f"{model}--{attack}--{norm}-{eps:g}--{steps}-steps--{exhibit.sample}")
                write_atomically(out / f"{name}.png", content)
                write_atomically(out / f"{name}.json", exhibit.model_dump_json(indent=1).encode() + b"\n")
                echo(out / f"{name}.png")


def attacked(workshop: LocalWorkshop, cell: Cell, name: str, index: int) -> tuple[Exhibit, Shown]:
    """One image of a cell as its attack, given as `name`, leaves it.

    Raises BadInputError if there is no such image, or if the attack needs all.
    """
    attack = workshop.attack(cell)
    assert attack is not None
    assert cell.attack is not None
    assert cell.threat is not None
    data, model = workshop.dataset(cell), workshop.model(cell.model)
    if index >= len(data.ids):
        raise BadInputError(f"{cell.dataset.name} has {len(data.ids)} images; there is no image {index}")
    if isinstance(attack, SplitAttack):
        raise BadInputError(f"attack {name} looks at all images before it attacks one; the gallery has one")
    batch, threat = data.batch([index]), ThreatModel(cell.threat.norm, cell.threat.eps / 255)
    with blamed_on(cell.title):
        after = batch.at(verified(attack(model, batch.clone(), threat, Noise(cell.seed)), batch, threat, cell.title))
    shown, steps = _shown(model, batch, after), cell.attack.settings.get("steps")
    exhibit = Exhibit(
        model=cell.model.name,
        attack=cell.attack.name,
        settings=name.removeprefix(cell.attack.name),
        dataset=cell.dataset.name,
        sample=batch.ids[0],
        norm=cell.threat.norm,
        eps=cell.threat.eps,
        steps=steps if isinstance(steps, int) else None,
        factor=factor(shown),
    )
    return exhibit, shown


@torch.no_grad()
def _shown(model: MultiTaskModel, clean: Batch, after: Batch) -> Shown:
    first, second, truth = model(clean.x), model(after.x), clean.truth
    scores = {
        name: (_score(task, first[name], truth[name]), _score(task, second[name], truth[name]))
        for name, task in model.tasks.items()
    }
    tasks = {name: panels(task, first[name], second[name], truth[name]) for name, task in model.tasks.items()}
    return Shown(clean.x[0].double().numpy(), after.x[0].double().numpy(), tasks, scores)


def _score(task: Task, prediction: Tensor, truth: Tensor) -> str:
    """The task's first metric on this image."""
    metric = task.metrics[0]
    value = float(task.scores(task.statistics(prediction, truth).sum(dim=0).double().numpy())[metric.name])
    return f"{metric.name} {value:.2f}{f' {metric.unit}' if metric.unit else ''}"

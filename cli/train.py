"""`mtrbench train`."""

from __future__ import annotations

from pathlib import Path

import click

from ..benchmark.engines import default_workers
from ..benchmark.protocol.arguments import DataRoot
from .options import data_options
from .terminal import Command, echo


@click.command(cls=Command)
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("mtrbench-results/models"), show_default=True)
@click.option("--device", default="auto", show_default=True, help="auto: a GPU if there is one.")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=default_workers,
    help="Processes that make images.",
)
@data_options
@click.option(
    "--backbone-weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Public weights to start from: safetensors, or a torch state dict.",
)
@click.option("--checkpoint-every", type=click.IntRange(min=1), default=200, show_default=True, metavar="STEPS")
def train(
    recipe: Path,
    out: Path,
    device: str,
    workers: int,
    data_root: DataRoot | None,
    backbone_weights: Path | None,
    checkpoint_every: int,
) -> None:
    """Train the model of RECIPE (a TOML file); write OUT/NAME/card.toml and OUT/NAME/weights.safetensors.

    An interrupted training goes on from OUT/checkpoints/NAME.pt when it is started again. OUT/logs/NAME.csv is its
    course. OUT/cache keeps rendered scenes, and the clean steps that recipes with one start have in common, for the
    next training; it may be removed.
    """
    from ..api.train import train as train_recipe

    trained = train_recipe(
        recipe,
        out,
        device=device,
        workers=workers,
        data_root=data_root,
        backbone_weights=backbone_weights,
        checkpoint_every=checkpoint_every,
    )
    echo(f"{trained.path}: trained in {trained.seconds / 60:.1f} minutes")
    for task, scores in trained.card.clean.scores.items():
        echo(f"  {task}: " + ", ".join(f"{name} {value:.3f}" for name, value in scores.items()))

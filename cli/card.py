"""`mtrbench card`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..benchmark.protocol.arguments import DataRoot
from ..benchmark.protocol.errors import BadInputError
from .options import Eps, Settings, Size, TaskOption, data_options
from .terminal import Command, echo


@click.command(cls=Command)
@click.argument("entry", metavar="MODULE:FACTORY")
@click.option("--weights", type=click.Path(path_type=Path), help="Trained weights: safetensors, or a torch state dict.")
@click.option("--name", required=True, help="What the model will be called.")
@click.option("--dataset", required=True, help="The data set that it was trained for, and is scored on.")
@data_options
@click.option("--size", type=Size(), default="64", show_default=True, help="Of the images: 64, or HEIGHTxWIDTH.")
@click.option("--images", type=click.IntRange(min=1), help="Of the clean scores, from the first on; default: all.")
@click.option(
    "--task",
    "tasks",
    type=TaskOption(),
    multiple=True,
    metavar="NAME[=KIND][SETTINGS]",
    help="As segmentation[classes=13] or left=classification[classes=10]; repeatable. Not needed for what wrap makes.",
)
@click.option("--setting", "settings", type=Settings(), multiple=True, help="NAME=VALUE for the factory; repeatable.")
@click.option("--layout", multiple=True, help="A line per block, if it is known, as 'a b | c'; repeatable.")
@click.option("--licence", default="unknown", show_default=True)
@click.option("--paper", help="Where the model is described.")
@click.option("--twin", help="The independent model of the same training.")
@click.option("--trained", help="clean, or the attack that it was trained against; default: nobody knows.")
@click.option("--trained-eps", type=Eps(), help="The budget of that attack in 1/255.")
@click.option("--trained-seed", type=int, help="The seed of the training.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("mtrbench-results/models"), show_default=True)
def card(
    entry: str,
    weights: Path | None,
    name: str,
    dataset: str,
    data_root: DataRoot | None,
    size: tuple[int, int],
    images: int | None,
    tasks: Sequence[tuple[str, dict[str, Any]]],
    settings: Sequence[tuple[str, Any]],
    layout: Sequence[str],
    licence: str,
    paper: str | None,
    twin: str | None,
    trained: str | None,
    trained_eps: float | None,
    trained_seed: int | None,
    out: Path,
) -> None:
    """Make a card of a network: what can be measured, its scores, answers and sharing, is measured.

    FACTORY is a class, or a function that gives a network from images to one prediction per task, or what
    mtrbench.wrap makes of one. Writes OUT/NAME/card.toml and the weights beside it; what nobody says is left out.
    """
    from ..api.cards import make_card

    said = {"licence": licence, "paper": paper, "twin": twin, "training": _training(trained, trained_eps, trained_seed)}
    made = make_card(
        entry,
        weights,
        name=name,
        dataset=dataset,
        out=out,
        size=size,
        tasks=dict(tasks),
        layout=[*layout] or None,
        settings=dict(settings),
        said=said,
        images=images,
        data_root=data_root,
    )
    index = made.reach.sharing_index
    echo(f"{made.path}: sharing index {'unknown' if index is None else f'{index:.2f}'}, measured over parameters")
    for task, scores in made.card.clean.scores.items():
        echo(f"  {task}: " + ", ".join(f"{metric} {value:.3f}" for metric, value in scores.items()))
    echo(f"see whether it is a model by: mtrbench validate model {made.path}")


def _training(trained: str | None, eps: float | None, seed: int | None) -> dict[str, Any] | None:
    """The card's table; None where nobody knows anything of the training."""
    if trained is None and eps is not None:
        raise BadInputError("--trained-eps is the budget of an attack; name it by --trained")
    if trained is None and seed is None:
        return None
    attack = {} if trained == "clean" else {"attack": trained or "unknown"}
    return {**attack, **({} if eps is None else {"eps": eps}), **({} if seed is None else {"seed": seed})}

"""`mtrbench budget`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
from tabulate import tabulate

from ..api.budget import HIGHEST, LOWEST, Budget
from ..api.budget import budget as find
from ..benchmark.protocol.arguments import BatchSize, DataRoot
from .engine_options import device_options
from .options import data_options, json_option, out_option
from .terminal import Command, echo


@click.command(cls=Command)
@click.argument("models", nargs=-1, required=True)
@click.option("--attack", default="auto", show_default=True)
@click.option("--level", type=click.FloatRange(min=0, min_open=True), default=0.5, show_default=True, help="Of ARD.")
@click.option("--dataset", help="Instead of the one that the model's card names.")
@data_options
@click.option("--images", type=click.IntRange(min=1), default=32, show_default=True, help="From the first on.")
@device_options
@out_option
@json_option
def budget(
    models: Sequence[str],
    attack: str,
    level: float,
    dataset: str | None,
    data_root: DataRoot | None,
    images: int,
    batch: BatchSize,
    decode_workers: int | None,
    device: str,
    out: Path,
    as_json: bool,
) -> None:
    """Find the smallest budget at which MODELS lose half, with its 95 % interval over images.

    It is the eps, from 0.25/255 to 16/255 of L-infinity, at which ARD under the attack reaches --level: by bisection,
    at most six evaluations a model. Cells already in OUT are not computed again.
    """
    given = {"dataset": dataset, "data_root": data_root, "images": images, "batch_size": batch}
    given |= {"decode_workers": decode_workers, "device": device}
    found = {model: find(model, attack, level=level, store=out, progress=not as_json, **given) for model in models}
    if as_json:
        echo(json.dumps([_summary(model, budget) for model, budget in found.items()], indent=1))
        return
    head = ["model", f"eps where ARD = {level:g}, in 1/255 [95 %]", "ARD at eps"]
    echo(tabulate([[model, _shown(one), _course(one)] for model, one in found.items()], head, disable_numparse=True))


def _shown(budget: Budget) -> str:
    if budget.eps.value is None:
        return f"above {HIGHEST:g}"
    return f"at most {LOWEST:g}" if budget.eps.value <= LOWEST else str(budget.eps)


def _course(budget: Budget) -> str:
    return ", ".join(f"{eps:g}: {of.degradation.ard.value:.3g}" for eps, of in budget.records.items())


def _summary(model: str, budget: Budget) -> dict[str, object]:
    return {
        "model": model,
        "level": budget.level,
        "eps": {"value": budget.eps.value, "low": budget.eps.low, "high": budget.eps.high},
        "searched": [LOWEST, HIGHEST],
        "ard": {f"{eps:g}": of.degradation.ard.value for eps, of in budget.records.items()},
        "keys": [of.key for of in budget.records.values()],
    }

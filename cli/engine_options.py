"""Options that say what computes; apart from the others, as they load torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from ..api.devices import device_of
from ..benchmark.engines import ENGINES, default_workers, make_engine
from .options import AtOnce, Command, Result


def device_options(command: Command) -> Command:
    """`--batch` and `--device`."""
    batch = click.option(
        "--batch",
        type=AtOnce(),
        default=32,
        show_default=True,
        help="Images at once; auto: as many as fit and pay.",
    )
    return batch(click.option("--device", default="cpu", show_default=True)(command))


def engine_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """`--workers` and `--engine`, which reach the command together as its argument `engine`, and `device_options`."""

    @click.option("--workers", type=click.IntRange(min=1), help="Processes; default: one per core, one on a GPU.")
    @click.option("--engine", type=click.Choice(tuple(ENGINES)), help="Default: processes, serial for one worker.")
    @device_options
    @wraps(command)
    def with_engine(*args: Any, workers: int | None, engine: str | None, device: str, **options: Any) -> Result:
        device_of(device)  # refused before anything is read
        if workers is None:
            workers = default_workers() if device == "cpu" and engine != "serial" else 1
        return command(*args, engine=make_engine(engine, workers), device=device, **options)

    return with_engine

"""Options that say what computes; apart from the others, as they load torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from ..api.devices import device_of
from ..benchmark.engines import ENGINES, Remote, Wanted, make_engine
from .options import AtOnce, Command, Result


def device_options(command: Command) -> Command:
    """`--batch`, `--decode-workers` and `--device`."""
    batch = click.option(
        "--batch",
        type=AtOnce(),
        default=32,
        show_default=True,
        help="Images at once; auto: as many as fit and pay.",
    )
    decode = click.option(
        "--decode-workers",
        type=click.IntRange(min=0),
        help="Threads that read images on disk ahead; default: none, on a GPU one per core, at most 4.",
    )
    return batch(decode(click.option("--device", default="cpu", show_default=True)(command)))


def engine_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """Those that say where jobs run, which reach the command together as its `engine`, and `device_options`."""

    @click.option(
        "--workers",
        type=click.IntRange(min=1),
        help="Processes; default: one per core, one on a GPU, as many as there is room for on a cluster.",
    )
    @click.option("--engine", type=click.Choice(tuple(ENGINES)), help="Default: processes, serial for one worker.")
    @click.option("--address", help="Of a Ray cluster, auto for the one around; default: one of this machine alone.")
    @click.option(
        "--cpus-per-worker", "cpus", type=click.FloatRange(min=0, min_open=True), help="Of a Ray cluster; default: 1."
    )
    @click.option(
        "--gpus-per-worker",
        "gpus",
        type=click.FloatRange(min=0),
        help="Of a Ray cluster, also a part; default: 0.",
    )
    @device_options
    @wraps(command)
    def with_engine(
        *args: Any,
        workers: int | None,
        engine: str | None,
        device: str,
        address: str | None,
        cpus: float | None,
        gpus: float | None,
        **options: Any,
    ) -> Result:
        made = make_engine(engine, Wanted(workers, device, address, cpus, gpus))
        here = "cpu" if isinstance(made, Remote) else device  # this machine only hands out, and has its own devices
        device_of(here)  # refused before anything is read
        return command(*args, engine=made, device=here, **options)

    return with_engine

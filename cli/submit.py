"""`mtrbench submit`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from ..api.means import Means
from ..api.submit import submit as hand_in
from ..benchmark.engines import Serial, settle_process
from ..benchmark.protocol.arguments import DataRoot
from .options import data_options, json_option
from .terminal import Command, echo, table


@click.command(cls=Command)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--checkout",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The checkout to write into; default: the working directory.",
)
@click.option(
    "--make-images",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Make the adversarial images of so many records that have none, so that anybody can score them.",
)
@data_options
@json_option
@click.pass_context
def submit(
    context: click.Context, folder: Path, checkout: Path, make_images: int, data_root: DataRoot | None, as_json: bool
) -> None:
    """Check everything that DIR hands in, and write it into a checkout as one file, for a pull request.

    DIR holds submission.toml, the folder records, and perhaps images/KEY.safetensors and a model's card with its
    weights. What is handed in runs here, and must have the properties that mtrbench validate asks for; the rest is what
    mtrbench validate submission checks without running it. Exits with 1, and writes nothing, if a property fails.
    """
    settle_process()
    done = hand_in(folder, checkout, Means(Serial(), data_root), make_images)
    rows = [{"property": title, **asdict(finding)} for title, finding in done.findings.items()]
    if as_json:
        echo(json.dumps({"findings": rows, "path": str(done.path) if done.path else None}, indent=1))
    else:
        echo(table(rows, headers="keys"))
        echo(f"\nnext: a pull request that adds {done.path}" if done.path else "\nnothing was written")
    context.exit(0 if done.path else 1)

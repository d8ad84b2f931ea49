"""`mtrbench new`."""

from __future__ import annotations

from pathlib import Path

import click

from .terminal import Command, echo


@click.command(cls=Command)
@click.argument("kind", metavar="KIND", type=click.Choice(("attack", "balancing", "model", "task", "dataset")))
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder for the package's own; default: the working directory.",
)
def new(kind: str, name: str, out: Path) -> None:
    """Write a package called NAME with an attack, a balancing, a model, a task or a data set to start from.

    It is one file and a test that runs the properties of its KIND; it installs and passes as it is written.
    """
    from ..api.scaffold import write_package

    for path in write_package(kind, name, out):
        echo(path)
    echo(f"next: cd {out / name}, then see README.md", err=True)

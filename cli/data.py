"""`mtrbench data`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..benchmark.protocol.arguments import DataRoot
from ..benchmark.protocol.errors import BadInputError
from .options import Size, data_options, json_option
from .terminal import Group, echo

workers_option: Callable[[Any], Any] = click.option(
    "--workers", type=click.IntRange(min=1), help="Processes; default: one per core."
)
classes_option: Callable[[Any], Any] = click.option(
    "--classes", type=click.IntRange(min=2), help="Of the segmentation; default: as many as the format has."
)


@click.group(cls=Group)
def data() -> None:
    """Look at, convert and draw data sets that lie in a folder."""


@data.command()
@click.argument("name")
@data_options
@classes_option
@click.option("--size", type=Size(), help="Of a model, whose cells' digest is wanted; default: the photographs' own.")
@workers_option
@json_option
@click.pass_context
def verify(
    context: click.Context,
    name: str,
    data_root: DataRoot | None,
    classes: int | None,
    size: tuple[int, int] | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Read every file of data set NAME: counts, sizes, ranges, classes, digest; what is missing, broken or doubtful.

    Exits with 1 if anything is wrong with what is there. That a split is not there, or not whole, is no fault.
    """
    from ..api.data import verify as verified
    from .data_text import as_data, as_text

    found = verified(name, _root(data_root), classes=classes, size=size, workers=workers, progress=True)
    echo(json.dumps(as_data(found), indent=1) if as_json else as_text(found))
    context.exit(0 if found.sound else 1)


@data.command()
@click.argument("name")
@data_options
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to be written.")
@click.option("--size", type=Size(), help="Of the images, as 120x160; default: the photographs' own.")
@workers_option
def prepare(
    name: str, data_root: DataRoot | None, out: Path, size: tuple[int, int] | None, workers: int | None
) -> None:
    """Write data set NAME into OUT in the layout of AdaShare, at one size, with normals derived from depth.

    For nyuv2, whose authors' file has no normals and reads slowly. What was interrupted goes on.
    """
    from ..api.preparing import prepare as prepared

    done = prepared(name, _root(data_root), out, size=size, workers=workers, progress=True)
    echo(f"{done.out}: {done.samples} samples, {done.written} written now")
    echo(f"next: mtrbench data verify {name} --data-root {done.out}", err=True)


@data.command()
@click.argument("name")
@data_options
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The PNG; default: NAME.png.")
@click.option("--images", type=click.IntRange(min=1), default=6, show_default=True, help="How many, evenly spread.")
@click.option("--split", help="Default: the one to evaluate on.")
@classes_option
def preview(
    name: str, data_root: DataRoot | None, out: Path | None, images: int, split: str | None, classes: int | None
) -> None:
    """Draw samples of data set NAME with all that is known of them, as one PNG.

    Whoever has no right to publish the data has none to publish the picture.
    """
    from ..api.contact_sheet import preview as drawn
    from ..benchmark.protocol.files import write_atomically

    place = out or Path(f"{name}.png")
    write_atomically(place, drawn(name, _root(data_root), images=images, split=split, classes=classes))
    echo(place)


def _root(root: DataRoot | None) -> DataRoot:
    if root is None:
        raise BadInputError("say where the data lies: --data-root FOLDER")
    return root

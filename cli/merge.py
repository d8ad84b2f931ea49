"""`mtrbench merge`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..benchmark.merge import merge_stores
from ..benchmark.store import Store
from .options import json_option, out_option
from .results import show_results
from .terminal import Command


@click.command(cls=Command)
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@out_option
@json_option
def merge(folders: Sequence[Path], out: Path, as_json: bool) -> None:
    """Unite what runs on several machines have left in DIRs, and print the boards.

    DIRs are folders of runs, or the shares of one that mtrbench run --shard has made, all of them and done, by the same
    code and libraries on the same data. Where anything does not fit, nothing is written.
    """
    show_results(merge_stores(folders, Store(out)), out, as_json)

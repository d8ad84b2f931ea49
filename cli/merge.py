"""`mtrbench merge`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..benchmark.merge import merge_shares
from ..benchmark.store import Store
from .options import json_option, out_option
from .results import show_results


@click.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@out_option
@json_option
def merge(folders: Sequence[Path], out: Path, as_json: bool) -> None:
    """Make the records of a run whose shares are in DIRs, as mtrbench run --shard leaves them, and print the boards.

    All shares must be there and done, by the same code and libraries on the same data; else nothing is written.
    """
    show_results(merge_shares(folders, Store(out)), out, as_json)

"""`mtrbench records`."""

from __future__ import annotations

from pathlib import Path

import click

from ..api.export import save_parquet
from ..benchmark.protocol.packing import pack as pack_into
from ..benchmark.protocol.reading import read_places, read_records
from .terminal import Group, echo


@click.group(cls=Group)
def records() -> None:
    """Work on files of records."""


@records.command()
@click.argument("places", metavar="RECORDS...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the files.")
def pack(places: tuple[Path, ...], out: Path) -> None:
    """Add RECORDS, files or folders of them, to the files of a repository: gzipped JSON lines, one file per model.

    What OUT holds stays. Several records of one cell with the same numbers are one; other numbers are refused, and then
    nothing is written.
    """
    found = list(read_places(places))
    written = pack_into(found, out)
    count = len({one.record.key for one in found})
    echo(f"{count} records in {out}; files written: {', '.join(path.name for path in written) or 'none'}")


@records.command()
@click.argument("places", metavar="RECORDS...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--parquet", "out", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
def export(places: tuple[Path, ...], out: Path) -> None:
    """Write RECORDS, files or folders of them, as a table of a row each, for pandas and the like.

    A column is a record's field by its place, as degradation.ard.value; what is listed in a record stands as JSON. The
    scores over all resamples stay in the records.
    """
    found = read_records(*places)
    echo(f"{len(found)} records, {save_parquet(found, out)} columns in {out}")

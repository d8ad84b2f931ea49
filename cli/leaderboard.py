"""`mtrbench leaderboard`."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from ..benchmark.protocol.cores import default_processes
from ..benchmark.protocol.files import write_atomically
from ..benchmark.protocol.reading import collector_at_rest
from ..benchmark.protocol.records import AnyRecord
from ..leaderboards.analysis.gallery import GALLERY, read_gallery
from ..leaderboards.analysis.groups import group
from ..leaderboards.output.pages import FORMATS, Extras
from ..leaderboards.output.publish import check as compare
from ..leaderboards.output.publish import publish
from ..leaderboards.site.library import EMPTY, Library
from ..leaderboards.site.readme import updated
from ..leaderboards.site.suites import read_suites, suite_files
from .tables import echo_boards
from .terminal import Command, echo


@click.command(cls=Command)
@click.option(
    "--records",
    "places",
    type=click.Path(path_type=Path),
    multiple=True,
    default=[Path("mtrbench-results/records")],
    show_default=True,
    help="A file or folder of records, or a folder with one of these per suite; repeatable.",
)
@click.option(
    "--readme",
    "pages",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="Also rewrite the boards in this file; repeatable.",
)
@click.option("--site", is_flag=True, help="Also the static site, and a CSV of every metric of every task.")
@click.option(
    "--formats",
    callback=lambda _context, _option, value: _formats(value),
    metavar="LIST",
    help=f"Also write boards and pictures as some of {', '.join(FORMATS)}.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=default_processes,
    show_default="one per core, at most 8",
    help="Processes that read records, where there are enough that nobody has checked before.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if what is there differs.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("mtrbench-results/boards"),
    show_default=True,
)
@click.pass_context
def leaderboard(
    context: click.Context,
    places: tuple[Path, ...],
    pages: tuple[Path, ...],
    site: bool,
    formats: frozenset[str],
    workers: int,
    check: bool,
    out: Path,
) -> None:
    """Make the tables and plots of records; the same records give the same bytes.

    Boards are written as Markdown and CSV, with the pictures of their pages; records.csv has a row per record, and the
    command that measures it again.

    Several --records are united. A folder that holds folders of records is published folder by folder, and with it the
    pictures of the folder gallery beside it, which `mtrbench gallery` draws. Which one a --readme shows says its
    marker, <!-- boards:begin NAME -->; between <!-- answer:begin --> and <!-- answer:end --> stands what sharing does.
    """
    with collector_at_rest():
        records = read_suites(*places, workers=workers)
        gc.freeze()  # they stay until the end: to search them for circles takes a fifth of the time that boards do
    suites = {name: group(of) for name, of in records.items()}
    gallery = {name: found for place in places for name, found in read_gallery(place.parent / GALLERY).items()}
    texts = {page: updated(page, suites, gallery, out) for page in pages}  # first, as one may be refused
    content = suite_files(suites, gallery, Extras(site, formats), _library(records) if site else EMPTY)
    if check:
        stale = [*compare(content, out), *(f"{page} differs" for page, (text, new) in texts.items() if text != new)]
        for line in stale:
            echo(line)
        context.exit(1 if stale else 0)
    for page, (_, new) in texts.items():
        write_atomically(page, new.encode())
    written = publish(content, out)
    for name, groups in suites.items():
        echo_boards(groups, out / name)
    echo(f"{sum(map(len, records.values()))} records; {len(written)} tables and plots in {out}")


def _library(suites: Mapping[str, Iterable[AnyRecord]]) -> Library:
    from .library import library  # loads torch, which nothing else here needs

    return library(record for records in suites.values() for record in records)


def _formats(text: str | None) -> frozenset[str]:
    found = frozenset(name for part in (text or "").split(",") if (name := part.strip()))
    if unknown := sorted(found - {*FORMATS}):
        raise click.BadParameter(f"{', '.join(unknown)} is none of {', '.join(FORMATS)}")
    return found

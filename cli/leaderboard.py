"""`mtrbench leaderboard`."""

from __future__ import annotations

from pathlib import Path

import click

from ..leaderboards.analysis.gallery import GALLERY, read_gallery
from ..leaderboards.output.publish import check as compare
from ..leaderboards.output.publish import publish
from ..leaderboards.site.readme import update_readme, with_boards
from ..leaderboards.site.suites import read_suites, suite_files
from .tables import echo_boards


@click.command()
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
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Also rewrite the boards in this file.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if what is there differs.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("mtrbench-results/boards"),
    show_default=True,
)
@click.pass_context
def leaderboard(context: click.Context, places: tuple[Path, ...], readme: Path | None, check: bool, out: Path) -> None:
    """Make the tables and plots of records; the same records give the same bytes.

    Several --records are united. A folder that holds folders of records is published folder by folder, and with it the
    pictures of the folder gallery beside it, which `mtrbench gallery` draws. Which one README shows says its marker,
    <!-- boards:begin NAME -->.
    """
    suites = read_suites(*places)
    gallery = {name: found for place in places for name, found in read_gallery(place.parent / GALLERY).items()}
    if check:
        stale = compare(suite_files(suites, gallery), out)
        text = readme.read_text(encoding="utf-8") if readme else ""
        if readme and text != with_boards(text, suites, gallery):
            stale.append(f"{readme} differs")
        for line in stale:
            click.echo(line)
        context.exit(1 if stale else 0)
    if readme:
        update_readme(readme, suites, gallery)  # first, as it may be refused
    written = publish(suite_files(suites, gallery), out)
    for name, records in suites.items():
        echo_boards(records, out / name)
    click.echo(f"{sum(map(len, suites.values()))} records; {len(written)} tables and plots in {out}")

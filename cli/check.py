"""`mtrbench check`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from ..api.check import check_baseline, suite_records, update_baseline
from ..api.means import Means
from ..api.records import PUBLISHED, records_at
from ..api.rerun import check_published
from ..benchmark.engines import Engine
from ..benchmark.protocol.arguments import BatchSize, DataRoot
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.files import write_atomically
from ..benchmark.protocol.merging import Found
from ..benchmark.protocol.packing import pack
from ..leaderboards.analysis.comparison import Comparison
from ..leaderboards.analysis.verdicts import tolerances
from ..leaderboards.output.checks import check_annotations, check_json, check_junit, check_markdown, check_text
from .engine_options import engine_options
from .options import data_options, json_option
from .terminal import Command, echo

SUMMARY = "GITHUB_STEP_SUMMARY"
"""Where GitHub's runners show Markdown from."""

file_option = click.Path(path_type=Path, dir_okay=False)


@click.command(cls=Command)
@click.argument("what", required=False)
@click.option("--sample", type=click.IntRange(min=1), help="Measure so many cells, drawn at random, again.")
@click.option("--seed", type=int, help="Which cells --sample draws.", show_default="the day's number")
@click.option("--baseline", type=file_option, help="Compare with the records in this file, *.json or *.jsonl.gz.")
@click.option(
    "--records",
    "places",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Files or folders of records: those compared with --baseline, or else those measured again; repeatable.",
)
@click.option(
    "--fail-if",
    metavar="SCORE:+NUMBER",
    multiple=True,
    help="Tolerate falls of a score up to NUMBER: ard, tasks, TASK, clean, clean.TASK, clean.TASK.METRIC; repeatable.",
)
@click.option("--update", is_flag=True, help="Write the records as the baseline instead.")
@data_options
@engine_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("mtrbench-results"),
    show_default=True,
    help="Store of a suite that is run for --baseline; what is measured again never comes from a store.",
)
@click.option("--junit", type=file_option, help="Write the result as JUnit's XML.")
@click.option("--markdown", type=file_option, help="Write the result as Markdown, for a job summary or a comment.")
@click.option("--github", is_flag=True, help=f"Print annotations for GitHub, and add the Markdown to ${SUMMARY}.")
@click.option(
    "--evidence",
    type=click.Path(path_type=Path, file_okay=False),
    help="Add what was measured again, and came out again, to the packed files of this folder, with evidence of it.",
)
@json_option
@click.pass_context
def check(
    context: click.Context,
    what: str | None,
    sample: int | None,
    seed: int | None,
    baseline: Path | None,
    places: tuple[Path, ...],
    fail_if: tuple[str, ...],
    update: bool,
    data_root: DataRoot | None,
    engine: Engine,
    batch: BatchSize,
    decode_workers: int | None,
    device: str,
    out: Path,
    junit: Path | None,
    markdown: Path | None,
    github: bool,
    evidence: Path | None,
    as_json: bool,
) -> None:
    r"""Measure published results again, or fail a build whose robustness fell.

    \b
    mtrbench check quick                                    every published cell of a suite, again
    mtrbench check 0001f2                                   the records whose key begins so
    mtrbench check --sample 10                              ten published cells
    mtrbench check --baseline robustness.json --records DIR records against the baseline
    mtrbench check my-suite.toml --baseline robustness.json the same, after running the suite

    What is measured again must give the same digits on the same versions and hardware, and the same to within a
    tolerance elsewhere. Against a baseline, cells are matched by names, settings, images, budget and seed; a score fell
    if the 95 % interval of its change lies wholly beyond the tolerance. Exits with 0 if all is well, 1 if something
    fell or differs, 2 if cells are missing or cannot be compared.
    """
    means = Means(engine, data_root, device, batch, decode_workers, progress=True)
    if baseline is None:
        _refuse(update, "--update", "it needs a --baseline to write")
        _refuse(bool(fail_if), "--fail-if", "it needs a --baseline; what is measured again must be the same")
        if what is None and sample is None:
            raise BadInputError("say what to check: a suite, the beginning of a key, --sample N, or --baseline FILE")
        number = datetime.now(UTC).date().toordinal() if seed is None else seed
        if sample is not None:
            echo(f"{sample} cells drawn by --seed {number}", err=True)
        checked = check_published(what, means, sample=sample, seed=number, places=places or (PUBLISHED,))
        found = checked.comparison
        if evidence and checked.repeated:
            pack((Found("a record measured again", record) for record in checked.repeated), evidence)
    else:
        _refuse(evidence is not None, "--evidence", "it is of what is measured again, without a --baseline")
        _refuse(sample is not None, "--sample", "against a baseline all of its cells are checked")
        if (what is None) == (not places):
            raise BadInputError("with --baseline say either a suite to run or the --records to compare, not both")
        limits = tolerances(fail_if)
        records = suite_records(what, means, out) if what else records_at(places)
        if update:
            echo(f"{update_baseline(baseline, records)} records in {baseline}")
            return
        if not baseline.exists():
            raise BadInputError(f"there is no baseline {baseline}; write it with --update")
        found = check_baseline(baseline, records, limits)
    _report(found, junit, markdown, github)
    echo(check_json(found) if as_json else check_text(found).removesuffix("\n"))
    context.exit(found.exit_code)


def _report(found: Comparison, junit: Path | None, markdown: Path | None, github: bool) -> None:
    if junit:
        write_atomically(junit, check_junit(found))
    if markdown:
        write_atomically(markdown, check_markdown(found).encode())
    if github:
        for line in check_annotations(found):
            echo(line, err=True)  # stdout may be JSON; runners read both
        if os.environ.get(SUMMARY):
            with Path(os.environ[SUMMARY]).open("a", encoding="utf-8") as file:
                file.write(check_markdown(found))


def _refuse(given: bool, option: str, why: str) -> None:
    if given:
        raise BadInputError(f"{option}: {why}")

"""`mtrbench run`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from ..api.devices import device_of
from ..api.resolver import LocalWorkshop, found_models
from ..api.suites import find_suite
from ..benchmark.engines import ENGINES, Engine, default_workers, make_engine
from ..benchmark.evaluation import evaluate_cells, pending, with_clean
from ..benchmark.protocol.cells import Cell, Norm
from ..benchmark.protocol.records import AnyRecord, Record
from ..benchmark.store import Store
from ..leaderboards.output.publish import publish
from ..leaderboards.site.suites import suite_files
from .options import Eps, Names, json_option, norm_option, out_option
from .tables import echo_boards


@click.command()
@click.argument("suite", default="quick")
@click.option("--model", "models", multiple=True, help="Instead of the suite's models; repeatable.")
@click.option("--attack", "attacks", multiple=True, help="Instead of the suite's attacks; repeatable.")
@click.option("--dataset", help="Instead of the suite's data set.")
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of a data set that is not embedded.")
@click.option("--eps", type=Eps(), multiple=True, help="Budget in 1/255, as 4 or 4/255, instead of the suite's.")
@norm_option(None, "Instead of the suite's norm.")
@click.option(
    "--targets", type=Names(), help="Tasks whose losses the attacker sees, separated by commas; default: all."
)
@click.option("--images", type=click.IntRange(min=1), help="How many images, from the first on.")
@click.option("--steps", type=click.IntRange(min=1), help="Steps of iterative attacks.")
@click.option("--transfer", is_flag=True, help="Attack every model also with what was made on each of the others.")
@click.option("--seed", type=int, help="Seed of the attacks' random numbers.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes; default: one per core, one on a GPU.")
@click.option("--engine", type=click.Choice(tuple(ENGINES)), help="Default: processes, serial for one worker.")
@click.option("--batch", type=click.IntRange(min=1), default=32, show_default=True, help="Images per forward pass.")
@click.option("--device", default="cpu", show_default=True)
@out_option
@json_option
def run(
    suite: str,
    models: Sequence[str],
    attacks: Sequence[str],
    dataset: str | None,
    data_root: Path | None,
    eps: Sequence[float],
    norm: Norm | None,
    targets: tuple[str, ...] | None,
    images: int | None,
    steps: int | None,
    transfer: bool,
    seed: int | None,
    workers: int | None,
    engine: str | None,
    batch: int,
    device: str,
    out: Path,
    as_json: bool,
) -> None:
    """Evaluate the cells of SUITE (quick by default) and print the leaderboards.

    Cells already in OUT are not computed again; an interrupted run goes on where it stopped.
    """
    device_of(device)
    given = {"dataset": dataset, "eps": eps, "norm": norm, "images": images, "steps": steps, "seed": seed}
    plan = find_suite(suite, models, attacks, **given, transfer=transfer or None)
    workshop = LocalWorkshop(found_models(plan.every_model), data_root, device, batch)
    cells = with_clean(workshop.cells(plan, targets))
    if workers is None:
        workers = default_workers() if device == "cpu" and engine != "serial" else 1
    records = evaluate_all(cells, workshop, Store(out), make_engine(engine, workers))
    written = publish(suite_files({"": records}), out / "boards")
    if as_json:
        click.echo(json.dumps([summary(record) for record in records if isinstance(record, Record)], indent=1))
        return
    echo_boards(records, out / "boards")
    click.echo(f"{len(records)} records in {out / 'records'}, {len(written)} tables and plots in {out / 'boards'}")


def evaluate_all(cells: Sequence[Cell], workshop: LocalWorkshop, store: Store, engine: Engine) -> list[AnyRecord]:
    """The records of all cells, with a progress bar over images; in the order of the cells."""
    jobs = pending(cells, workshop, store)
    found: dict[str, AnyRecord] = {}
    stored = 0
    images = sum(job.span[1] - job.span[0] for job in jobs)
    with (
        tqdm(total=images, unit="image", smoothing=0.05, disable=not jobs) as bar,
        closing(evaluate_cells(cells, workshop, store, engine, jobs)) as steps,
    ):
        for progress in steps:
            bar.update(progress.images)
            if progress.record is not None:
                found[progress.record.key] = progress.record
                stored += progress.stored
                bar.set_description(f"{len(found)}/{len(cells)} cells", refresh=False)
        bar.refresh()
    click.echo(f"{len(found)} cells: {stored} from the store, {len(found) - stored} computed", err=True)
    return [found[cell.key] for cell in cells]


def summary(record: Record) -> dict[str, Any]:
    """What a program wants to know of a record; `key` leads to all of it, records/KEY.json."""
    return {
        "key": record.key,
        "model": record.cell.model.name,
        "source": record.cell.source and record.cell.source.name,
        "attack": record.attack.name,
        "dataset": record.cell.dataset.name,
        "images": record.cell.dataset.images,
        "threat": record.threat.model_dump(mode="json"),
        "seed": record.cell.seed,
        "complete": record.complete,
        **record.degradation.model_dump(mode="json", exclude={"replicates"}),
        "costs": record.costs.model_dump(mode="json"),
    }

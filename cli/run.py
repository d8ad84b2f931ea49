"""`mtrbench run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import click
from tqdm import tqdm

from ..benchmark.engines import Engine, Processes, Serial, default_workers
from ..benchmark.evaluation import evaluate_cells, pending
from ..benchmark.protocol.records import Cell, Record, ThreatRef
from ..benchmark.store import Store
from ..benchmark.suites import load_suite
from ..leaderboards.publish import publish
from .devices import device_of
from .options import Eps, out_option
from .tables import echo_boards
from .workshop import LocalWorkshop, found_models


@click.command()
@click.argument("suite", default="quick")
@click.option("--model", "models", multiple=True, help="Instead of the suite's models; repeatable.")
@click.option("--attack", "attacks", multiple=True, help="Instead of the suite's attacks; repeatable.")
@click.option("--dataset", help="Instead of the suite's data set.")
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of a data set that is not embedded.")
@click.option("--eps", type=Eps(), multiple=True, help="Budget in 1/255, instead of the suite's; repeatable.")
@click.option("--norm", type=click.Choice(["linf", "l2"]), help="Instead of the suite's norm.")
@click.option("--targets", help="Tasks whose losses the attacker sees, separated by commas; default: all.")
@click.option("--images", type=click.IntRange(min=1), help="How many images, from the first on.")
@click.option("--steps", type=click.IntRange(min=1), help="Steps of iterative attacks.")
@click.option("--seed", type=int, help="Seed of the attacks' random numbers.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes; default: one per core, one on a GPU.")
@click.option("--batch", type=click.IntRange(min=1), default=32, show_default=True, help="Images per forward pass.")
@click.option("--device", default="cpu", show_default=True)
@out_option
def run(
    suite: str,
    models: Sequence[str],
    attacks: Sequence[str],
    dataset: str | None,
    data_root: Path | None,
    eps: Sequence[float],
    norm: Literal["linf", "l2"] | None,
    targets: str | None,
    images: int | None,
    steps: int | None,
    seed: int | None,
    workers: int | None,
    batch: int,
    device: str,
    out: Path,
) -> None:
    """Evaluate the cells of SUITE (quick by default) and print the leaderboards.

    Cells already in OUT are not computed again; an interrupted run goes on where it stopped.
    """
    plan = load_suite(suite)
    device_of(device)
    workshop = LocalWorkshop(found_models(models or plan.models), data_root, device, batch)
    if images is None and dataset in (None, plan.dataset):
        images = plan.images
    cells = [
        workshop.cell(
            model,
            dataset or plan.dataset,
            images,
            attack,
            ThreatRef(
                norm=norm or plan.norm,
                eps=budget,
                targets=tuple(name.strip() for name in targets.split(",")) if targets else None,
            ),
            plan.seed if seed is None else seed,
            steps or plan.steps,
        )
        for budget in eps or plan.eps
        for model in workshop.models
        for attack in attacks or plan.attacks
    ]
    if workers is None:
        workers = default_workers() if device == "cpu" else 1
    records = evaluate_all(cells, workshop, Store(out), Serial() if workers == 1 else Processes(workers))
    written = publish(records, out / "boards")
    echo_boards(records)
    click.echo(f"{len(records)} records in {out / 'records'}, {len(written)} tables and plots in {out / 'boards'}")


def evaluate_all(cells: Sequence[Cell], workshop: LocalWorkshop, store: Store, engine: Engine) -> list[Record]:
    """The records of all cells, with a progress bar over images; in the order of the cells."""
    jobs = pending(cells, store)
    found: dict[str, Record] = {}
    stored = 0
    with tqdm(total=sum(job.span[1] - job.span[0] for job in jobs), unit="image", smoothing=0.05) as bar:
        for progress in evaluate_cells(cells, workshop, store, engine, jobs):
            bar.update(progress.images)
            if progress.record is not None:
                found[progress.record.key] = progress.record
                stored += progress.stored
                bar.set_description(f"{len(found)}/{len(cells)} cells", refresh=False)
        bar.refresh()
    click.echo(f"{len(cells)} cells: {stored} from the store, {len(found) - stored} computed")
    return [found[cell.key] for cell in cells]

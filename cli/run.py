"""`mtrbench run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..api.metric_sets import METRIC_SETS
from ..api.resolver import LocalWorkshop, found_models
from ..api.running import do_share, evaluate_all
from ..api.suites import find_suite
from ..benchmark.child import Limits
from ..benchmark.engines import Engine, Remote
from ..benchmark.engines.profiled import profiled
from ..benchmark.evaluation import with_clean
from ..benchmark.protocol.arguments import BatchSize, DataRoot
from ..benchmark.protocol.cells import Norm
from ..benchmark.protocol.records import Record
from ..benchmark.speedups import SPEEDUPS, check_speedups
from ..benchmark.store import Store
from .engine_options import engine_options
from .options import Eps, Fraction, Names, data_options, json_option, norm_option, out_option
from .results import show_results
from .terminal import Command, echo


@click.command(cls=Command)
@click.argument("suite", default="quick")
@click.option("--model", "models", multiple=True, help="Instead of the suite's models; repeatable.")
@click.option("--attack", "attacks", multiple=True, help="Instead of the suite's attacks; repeatable.")
@click.option("--dataset", help="Instead of the suite's data set.")
@data_options
@click.option("--eps", type=Eps(), multiple=True, help="Budget in 1/255, as 4 or 4/255, instead of the suite's.")
@norm_option(None, "Instead of the suite's norm.")
@click.option(
    "--targets", type=Names(), help="Tasks whose losses the attacker sees, separated by commas; default: all."
)
@click.option("--images", type=click.IntRange(min=1), help="How many images, from the first on.")
@click.option("--steps", type=click.IntRange(min=1), help="Steps of iterative attacks.")
@click.option("--transfer", is_flag=True, help="Attack every model also with what was made on each of the others.")
@click.option("--seed", type=int, help="Seed of the attacks' random numbers.")
@click.option(
    "--metrics",
    type=click.Choice(tuple(METRIC_SETS)),
    help="Judge by another set of metrics, into an --out of its own.",
)
@click.option(
    "--shard", type=Fraction(), metavar="I/N", help="Do the I-th of N shares of the work; mtrbench merge joins them."
)
@click.option(
    "--limit-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=Limits().seconds,
    show_default=True,
    help="What an attack from outside may take for 32 images.",
)
@click.option(
    "--limit-memory",
    type=click.IntRange(min=1),
    metavar="MIB",
    help="What it may take beside model and data; default: no limit.",
)
@click.option(
    "--speed-up",
    "speedups",
    multiple=True,
    type=click.Choice(tuple(SPEEDUPS)),
    help="Make attacks' passes faster; images differ a little, and scoring stays exact. Needs its own --out. "
    f"Repeatable: {'; '.join(f'{name}, {what}' for name, what in SPEEDUPS.items())}.",
)
@click.option("--profile", is_flag=True, help="Say what the time went to: passes, integer programs, data, scoring ...")
@engine_options
@out_option
@json_option
@click.pass_context
def run(
    context: click.Context,
    suite: str,
    models: Sequence[str],
    attacks: Sequence[str],
    dataset: str | None,
    data_root: DataRoot | None,
    eps: Sequence[float],
    norm: Norm | None,
    targets: tuple[str, ...] | None,
    images: int | None,
    steps: int | None,
    transfer: bool,
    seed: int | None,
    metrics: str | None,
    engine: Engine,
    shard: tuple[int, int] | None,
    limit_seconds: float,
    limit_memory: int | None,
    speedups: tuple[str, ...],
    profile: bool,
    batch: BatchSize,
    decode_workers: int | None,
    device: str,
    out: Path,
    as_json: bool,
) -> None:
    """Evaluate the cells of SUITE (quick by default) and print the leaderboards.

    Cells already in OUT are not computed again; an interrupted run goes on where it stopped. A cell whose attack or
    model fails is left out, with a line that says why, and the exit code is 2.
    """
    given = {"dataset": dataset, "eps": eps, "norm": norm, "images": images, "steps": steps, "seed": seed}
    plan = find_suite(suite, models, attacks, **given, transfer=transfer or None)
    limits = Limits(limit_seconds, limit_memory)
    workshop = LocalWorkshop(
        found_models(plan.every_model),
        data_root,
        device,
        batch,
        limits=limits,
        metrics=metrics,
        decode_workers=decode_workers,
        speedups=tuple(name for name in SPEEDUPS if name in speedups),
    )
    cells = with_clean(workshop.cells(plan, targets))
    outside = [cell.attack.name for cell in cells if cell.attack is not None and cell.attack.code is not None]
    check_speedups(speedups, None if isinstance(engine, Remote) else device, outside)
    store = Store(out)
    spent: dict[str, float] = {}
    if profile:
        engine = profiled(engine, spent)
    if shard:
        share = do_share(*shard, cells, workshop, store, engine)
        counts = f"{share.parts} parts, {share.parts - share.computed} from the store, {share.computed} computed"
        echo(f"share {shard[0]}/{shard[1]}: {counts}; mtrbench merge makes the records of all shares", err=True)
        faults = share.faults
    else:
        done = evaluate_all(cells, workshop, store, engine)
        counts = f"{done.stored} from the store, {len(done.records) - done.stored} computed"
        failed = f", {len(done.faults)} failed" if done.faults else ""
        echo(f"{len(done.records)} cells: {counts}{failed}", err=True)
        if any(isinstance(record, Record) for record in done.records) or not done.faults:
            show_results(done.records, out, as_json)
        elif as_json:
            echo("[]")
        faults = done.faults
    for part, seconds in spent.items():
        echo(f"{part:<20}{seconds:10.2f} s {seconds / sum(spent.values()):6.1%}", err=True)
    for fault in dict.fromkeys(faults.values()):  # of a model, the same for all of its cells
        echo(f"mtrbench: {fault}", err=True)
    context.exit(2 if faults else 0)

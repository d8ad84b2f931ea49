"""Chooses the members of `auto`: `python -m mtrbench.cli.select_auto --out STORE [SUITE]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import click
import numpy as np
from tabulate import tabulate

from ..benchmark.complementary import Outcomes, Step, greedy, mean_relative_ard
from ..benchmark.evaluation import spans
from ..benchmark.harness import Measurement
from ..benchmark.protocol.damage import Array
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.records import Cell
from ..benchmark.protocol.tasks import Task
from ..benchmark.store import Store
from ..benchmark.suites import load_suite
from ..models.zoo import find_card
from .main import main
from .options import out_option
from .workshop import LocalWorkshop, found_models


@click.command()
@click.argument("suite", default="auto-candidates")
@out_option
def select_auto(suite: str, out: Path) -> None:
    """Choose, of the attacks of SUITE (auto-candidates by default), the members of `auto` by the shards in OUT.

    They are chosen on the first model, the fourth, the fifth, the eighth and so on; the others are held out. With
    several budgets a model counts once for each.
    """
    plan = load_suite(suite)
    workshop = LocalWorkshop(found_models(plan.models), None, "cpu", batch_size=32)
    everywhere = [
        [*cells] for _, cells in groupby(workshop.cells(plan), key=lambda cell: (cell.threat, cell.model.name))
    ]
    first = f"run mtrbench run {suite} --out {out} first"
    passes = [[stored(cell, Store(out), first) for cell in (cells[0].clean, *cells)] for cells in everywhere]
    models = [
        outcomes(cells[0], find_card(workshop.models[cells[0].model.name])[0].make_tasks(), clean, attacked)
        for cells, (clean, *attacked) in zip(everywhere, passes, strict=True)
    ]
    chooses = [index % len(plan.models) % 4 in (0, 3) for index in range(len(models))]
    choosing = [model for model, mine in zip(models, chooses, strict=True) if mine]
    held_out = [model for model, mine in zip(models, chooses, strict=True) if not mine]
    attacked = [part[1:] for part, mine in zip(passes, chooses, strict=True) if mine]
    costs = np.mean([[cost(part) for part in parts] for parts in attacked], axis=0)
    without_gradients = [
        i for i, parts in enumerate(zip(*attacked, strict=True)) if not any(p.backwards for p in parts)
    ]
    names = [cell.attack.name for cell in everywhere[0] if cell.attack is not None]
    click.echo(report(names, costs, greedy(choosing, costs, without_gradients), choosing, held_out))


def stored(cell: Cell, store: Store, first: str) -> Measurement:
    """The whole pass of a cell from its shards; raises BadInputError, which says what to do `first`, if one lacks."""
    if not all(store.has_shard(cell, span) for span in spans(cell)):
        raise BadInputError(f"{store.root} lacks shards of {cell.title}; {first}")
    return Measurement.merge(store.shard(cell, span) for span in spans(cell))


def outcomes(cell: Cell, tasks: Mapping[str, Task], clean: Measurement, attacked: Sequence[Measurement]) -> Outcomes:
    """The attacked passes over the model of `cell` beside its clean one."""
    return Outcomes(
        title=f"{cell.model.name} (eps {cell.threat.eps:g}/255)" if cell.threat else cell.model.name,
        tasks=tasks,
        clean={name: value.sum(axis=0) for name, value in clean.statistics.items()},
        attacked={name: np.stack([part.statistics[name] for part in attacked]) for name in clean.statistics},
    )


def cost(attacked: Measurement) -> float:
    """What a member costs per image: a forward pass is 1, a backward pass 2, and one forward pass is for its score."""
    return (attacked.forwards + 2 * attacked.backwards) / len(attacked.ids) + 1


def report(
    names: Sequence[str],
    costs: Array,
    steps: Sequence[Step],
    choosing: Sequence[Outcomes],
    held_out: Sequence[Outcomes],
) -> str:
    """The members as they were taken, and what they come to on every model beside its best single candidate."""
    members = [step.member for step in steps]
    taken = [
        {
            "step": count,
            "member": names[step.member],
            "cost": costs[step.member],
            "chosen on": step.value,
            "held out": mean_relative_ard(held_out, members[:count]) if held_out else None,
            "gain": f"{step.gain:+.2%}",
        }
        for count, step in enumerate(steps, 1)
    ]
    models = [
        {
            "model": model.title,
            "half": half,
            "ARD of all": model.ard(members),
            "ARD of best single": model.singles.max(),
            "best single": names[int(model.singles.argmax())],
        }
        for half, some in (("chosen on", choosing), ("held out", held_out))
        for model in some
    ]
    title = "Mean over models of the members' ARD, relative to the best single candidate's"
    return "\n\n".join(
        [title, tabulate(taken, headers="keys", floatfmt=".3f"), tabulate(models, headers="keys", floatfmt=".3f")]
    )


if __name__ == "__main__":
    main(select_auto, "select_auto")

"""Chooses the members of `auto`: `python -m mtrbench.cli.select_auto --out STORE [SUITE]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import click
import numpy as np
from tabulate import tabulate

from ..api.resolver import LocalWorkshop, found_models
from ..api.suites import find_suite
from ..benchmark.complementary import Outcomes, Step, greedy, mean_relative_ard
from ..benchmark.evaluation import spans
from ..benchmark.measurement import Measurement
from ..benchmark.protocol.cells import Cell
from ..benchmark.protocol.damage import Array
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.tasks.base import Task
from ..benchmark.store import Store
from ..models.registry import find_model
from .main import main
from .options import out_option


@click.command()
@click.argument("suite", default="auto-candidates")
@out_option
def select_auto(suite: str, out: Path) -> None:
    """Choose, of the attacks of SUITE (auto-candidates by default), the members of `auto` by the shards in OUT.

    The first model, the fourth, the fifth, the eighth and so on are one half, the others the other. Each half chooses
    and is checked on the other; the members are what either has chosen. With several budgets a model counts once for
    each.
    """
    plan = find_suite(suite)
    workshop = LocalWorkshop(found_models(plan.every_model), None, "cpu", batch_size=32)
    everywhere = [
        [*cells] for _, cells in groupby(workshop.cells(plan), key=lambda cell: (cell.threat, cell.model.name))
    ]
    first = f"run mtrbench run {suite} --out {out} first"
    passes = [[stored(cell, Store(out), first) for cell in (cells[0].clean, *cells)] for cells in everywhere]
    models = [
        outcomes(cells[0], find_model(workshop.models[cells[0].model.name]).tasks, clean, attacked)
        for cells, (clean, *attacked) in zip(everywhere, passes, strict=True)
    ]
    costs = np.mean([[cost(part) for part in attacked] for _, *attacked in passes], axis=0)
    candidates = zip(*(attacked for _, *attacked in passes), strict=True)
    without_gradients = [i for i, parts in enumerate(candidates) if not any(part.backwards for part in parts)]
    sides = [index % len(plan.models) % 4 in (0, 3) for index in range(len(models))]
    halves = [[model for model, side in zip(models, sides, strict=True) if side == mine] for mine in (True, False)]
    choices = [greedy(half, costs, without_gradients) for half in halves if half]
    click.echo(report(plan.attacks, costs, choices, halves))


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
    names: Sequence[str], costs: Array, choices: Sequence[Sequence[Step]], halves: Sequence[Sequence[Outcomes]]
) -> str:
    """The members as each half took them, and what all of them come to on every model beside its best candidate."""
    parts = ["Mean over models of the members' ARD, relative to the best single candidate's"]
    for steps, half, other in zip(choices, halves, reversed(halves), strict=False):
        taken = [
            {
                "step": count,
                "member": names[step.member],
                "cost": costs[step.member],
                "where chosen": step.value,
                "elsewhere": mean_relative_ard(other, [one.member for one in steps[:count]]) if other else None,
                "gain": f"{step.gain:+.2%}",
            }
            for count, step in enumerate(steps, 1)
        ]
        title = f"Chosen on {', '.join(model.title for model in half)}"
        parts.append(f"{title}\n{tabulate(taken, headers='keys', floatfmt='.3f')}")
    members = list(dict.fromkeys(step.member for steps in choices for step in steps))
    everywhere = [
        {
            "model": model.title,
            "ARD of all": model.ard(members),
            "ARD of best single": model.singles.max(),
            "best single": names[int(model.singles.argmax())],
        }
        for half in halves
        for model in half
    ]
    parts.append(f"All: {', '.join(names[member] for member in members)}\n")
    return "\n\n".join([*parts[:-1], parts[-1] + tabulate(everywhere, headers="keys", floatfmt=".3f")])


if __name__ == "__main__":
    main(select_auto, "select_auto")

"""Chooses what `auto` is: `python -m mtrbench.cli.select_auto --out STORE [SUITE]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import click
import numpy as np
from tabulate import tabulate

from ..api.resolver import LocalWorkshop, found_models
from ..api.suites import find_suite
from ..benchmark.candidates import Outcomes, choice, relative_ards
from ..benchmark.jobs import spans
from ..benchmark.measurement import Measurement
from ..benchmark.protocol.cells import Cell
from ..benchmark.protocol.damage import Array
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.tasks.base import Task
from ..benchmark.store import Store
from ..models.registry import find_model
from .main import main
from .options import out_option
from .terminal import Command, echo


@click.command(cls=Command)
@click.argument("suite", default="auto-candidates")
@click.option(
    "--passes", default=150.0, show_default=True, help="Backward passes per image, on average, that it may cost."
)
@out_option
def select_auto(suite: str, passes: float, out: Path) -> None:
    """Choose, of the attacks of SUITE (auto-candidates by default), the one to be `auto`, by the shards in OUT.

    Of the suite's own models the first, the fourth, the fifth, the eighth and so on are one half, the others the other;
    each half chooses and is checked on the other. Models of its additions have no part in the choice. With several
    budgets a model counts once for each.
    """
    plan = find_suite(suite)
    workshop = LocalWorkshop(found_models(plan.every_model), None, "cpu", batch_size=32)
    everywhere = [
        [*cells] for _, cells in groupby(workshop.cells(plan), key=lambda cell: (cell.threat, cell.model.name))
    ]
    first = f"run mtrbench run {suite} --out {out} first"
    passes_of = [[stored(cell, Store(out), first) for cell in (cells[0].clean, *cells)] for cells in everywhere]
    models = [
        outcomes(cells[0], find_model(workshop.models[cells[0].model.name]).tasks, clean, attacked)
        for cells, (clean, *attacked) in zip(everywhere, passes_of, strict=True)
    ]
    costs = np.mean([[cost(part) for part in attacked] for _, *attacked in passes_of], axis=0)
    choosing = [*dict.fromkeys(cell.model.name for cell in workshop.cells(plan.parts[0]))]
    groups: dict[str, list[Outcomes]] = {}
    for model, cells in zip(models, everywhere, strict=True):
        groups.setdefault(part_of(cells[0].model.name, choosing), []).append(model)
    echo(report(plan.attacks, costs, passes, groups))


def part_of(model: str, choosing: Sequence[str]) -> str:
    """Which part a model has in the choice."""
    if model not in choosing:
        return "no part"
    return "half A" if choosing.index(model) % 4 in (0, 3) else "half B"


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


def cost(attacked: Measurement) -> Array:
    """Backward passes, forward passes and seconds per image."""
    return np.array([attacked.backwards, attacked.forwards, attacked.seconds]) / len(attacked.ids)


def report(names: Sequence[str], costs: Array, limit: float, groups: Mapping[str, Sequence[Outcomes]]) -> str:
    """What every candidate costs and comes to in each group and on each model, and what either half chooses."""
    values = {group: relative_ards(models) for group, models in groups.items()}
    head = ["bwd", "fwd", "s", *values]
    rows = [
        [name, *costs[index], *(value[index] for value in values.values())]
        for index, name in sorted(enumerate(names), key=lambda item: -sum(value[item[0]] for value in values.values()))
    ]
    chosen = [
        f"{group} ({', '.join(model.title for model in models)}) chooses "
        f"{names[choice(models, costs[:, 0], limit)]} for at most {limit:g} backward passes."
        for group, models in groups.items()
        if group != "no part"
    ]
    everywhere = [[model.title, *model.ards] for models in groups.values() for model in models]
    return "\n\n".join(
        [
            "ARD relative to the best candidate's on each model, mean over the models of a group\n"
            + tabulate(rows, headers=["candidate", *head], floatfmt=["", ".0f", ".0f", ".2f", *[".3f"] * len(values)]),
            "\n".join(chosen),
            "ARD\n" + tabulate(everywhere, headers=["model", *names], floatfmt=".3f"),
        ]
    )


if __name__ == "__main__":
    main(select_auto, "select_auto")

"""`mtrbench list`."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from .options import json_option
from .terminal import Command, echo, table

if TYPE_CHECKING:
    from ..models.card import Card
    from ..models.registry import CardModel, CodeModel

Rows = Sequence[Mapping[str, Any]]

# The columns and headings that are folded, to keep tables within 130 characters.
WIDTHS = {"tasks": 26, "about": 36}
ATTACKS = 80
"""Characters that a line of the list of attacks has."""
HEADINGS = {
    "trained_on": "trained\non",
    "shared_parameters": "shared\nparams",
    "shared_multiply_adds": "shared\nMAdds",
    "adversary": "trained\nagainst",
    "adversary_eps": "eps",
    "eps": "eps (1/255)",
    "summary": "what it does",
    "datasets": "data sets",
    "about": "what is in it",
}


def _models() -> Rows:
    from ..models.registry import find_model, model_names

    return [_model(find_model(name)) for name in model_names()]


def _model(found: CardModel | CodeModel) -> Mapping[str, Any]:
    from ..models.nets.cost import sharing_indices
    from ..models.registry import CardModel

    card = found.card if isinstance(found, CardModel) else None
    sharing = sharing_indices(found.card, found.folder) if isinstance(found, CardModel) else {}
    return {
        "name": found.name,
        "trained_on": found.dataset,
        "tasks": [*found.tasks],
        "sharing": sharing.get("groups"),
        "shared_parameters": sharing.get("parameters"),
        "shared_multiply_adds": sharing.get("multiply_adds"),
        "adversary": _attack(card),
        "adversary_eps": card and card.training and card.training.eps,
    }


def _attack(card: Card | None) -> str | None:
    """What the model was trained against, "unknown" if nobody tells."""
    return card.training.attack if card and card.training else "unknown"


def _attacks() -> Rows:
    from ..attacks.listing import family, names, summary

    return [{"name": name, "family": family(name), "summary": summary(name)} for name in names()]


def _balancings() -> Rows:
    from ..attacks.listing import first_line, installed, shown
    from ..attacks.tables import BALANCINGS

    parts = [(name, factory) for name, factory in BALANCINGS.working() if installed(factory)]
    return [{"name": shown(name, factory), "summary": first_line(factory)} for name, factory in parts]


def _optimizers() -> Rows:
    from ..attacks.listing import first_line
    from ..attacks.tables import OPTIMIZERS

    return [{"name": name, "summary": first_line(factory)} for name, factory in OPTIMIZERS.working()]


def _losses() -> Rows:
    from ..attacks.losses.registry import LOSSES, SCORE

    sets = [{"name": name, "tasks": [*losses]} for name, losses in LOSSES.working()]
    return [*sets, {"name": SCORE, "tasks": ["every task"]}]


def _datasets() -> Rows:
    from ..benchmark.datasets.contents import described
    from ..benchmark.datasets.registry import DATASETS

    return [{"name": name, **described(name)} for name in DATASETS.working_names()]


def _tasks() -> Rows:
    from dataclasses import MISSING

    from ..benchmark.protocol.tasks.registry import TASKS, settings_of, usual_metrics

    return [
        {
            "name": name,
            "settings": [
                setting if default is MISSING else f"{setting}={json.dumps(default)}"
                for setting, default in settings_of(task).items()
            ],
            "metrics": [
                f"{metric.name}{f' [{metric.unit}]' if metric.unit else ''} {'↑' if metric.higher_is_better else '↓'}"
                for metric in usual_metrics(task)
            ],
        }
        for name, task in TASKS.working()
    ]


def _union(parts: Iterable[object]) -> Sequence[object]:
    return [*dict.fromkeys(parts)]


def _suites() -> Rows:
    from ..api.suites import cell_count, every_suite

    return [
        {
            "name": name,
            "datasets": _union(part.dataset for part in suite.parts),
            "images": suite.images,
            "models": len(suite.every_model),
            # Which attacks there are on single tasks is known with the models.
            "attacks": len({attack for part in suite.parts for attack in part.attacks}) if suite.every_model else None,
            "cells": cell_count(suite) if suite.every_model else None,
            "eps": _union(eps for part in suite.parts for eps in part.eps),
            "steps": _union(part.steps for part in suite.parts if part.steps is not None) or None,
            "about": suite.about or None,
        }
        for name, suite in every_suite().items()
    ]


def _joined(value: object) -> object:
    """A list as one cell, with commas where its parts have blanks."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return value
    parts = [f"{part:g}" if isinstance(part, float) else str(part) for part in value]
    return (", " if any(" " in part for part in parts) else " ").join(parts)


KINDS: dict[str, Callable[[], Rows]] = {
    "models": _models,
    "attacks": _attacks,
    "balancings": _balancings,
    "optimizers": _optimizers,
    "losses": _losses,
    "datasets": _datasets,
    "tasks": _tasks,
    "suites": _suites,
}


@click.command("list", cls=Command)
@click.argument("kind", metavar="KIND", type=click.Choice(tuple(KINDS)))
@json_option
def list(kind: str, as_json: bool) -> None:
    """Name what is registered, of the package and of installed plug-ins.

    KIND is models, attacks, the parts of attacks (balancings, optimizers, losses), datasets, tasks or suites.
    """
    rows = KINDS[kind]()
    if kind == "attacks" and not as_json:
        echo(_attack_text(rows))
        return
    widths = [WIDTHS.get(column) for row in rows[:1] for column in row]
    headings = {column: HEADINGS.get(column, column) for row in rows[:1] for column in row}
    cells = [{column: _joined(value) for column, value in row.items()} for row in rows]
    text = table(cells, headers=headings, floatfmt=".2f", maxcolwidths=widths, missingval="-")
    echo(json.dumps(rows, indent=1) if as_json else text)


def _attack_text(rows: Rows) -> str:
    """Attacks by family: a product's row is that of its balancing, with the optimizers that it goes with."""
    by_family: dict[str, dict[str, Any]] = {}
    for row in rows:
        found = by_family.setdefault(row["family"] or row["name"], {"summary": row["summary"], "optimizers": []})
        found["optimizers"] += [row["name"].removeprefix(f"{row['family']}-")] if row["family"] else []
    most: Sequence[str] = max((found["optimizers"] for found in by_family.values()), key=len, default=[])
    parts = {
        "balancings, each with every OPTIMIZER": {name: of for name, of in by_family.items() if of["optimizers"]},
        "whole attacks": {name: of for name, of in by_family.items() if not of["optimizers"]},
    }
    width = max(map(len, by_family), default=0) + 2
    lines = []
    for title, found in parts.items():
        lines.append(title)
        for name, of in found.items():
            only = "" if of["optimizers"] in ([], most) else f" With {', '.join(of['optimizers'])} alone."
            lines += textwrap.wrap(
                of["summary"] + only, ATTACKS, initial_indent=f"  {name:{width}}", subsequent_indent=" " * (width + 2)
            )
        lines.append("")
    said = (
        f"A product is BALANCING-OPTIMIZER, as dgba-pgd; OPTIMIZER is one of {', '.join(most)}. Any name may end in "
        "@LOSSES, as dgba-pgd@score. What they are: mtrbench list balancings, optimizers, losses, and mtrbench show "
        "attack NAME."
    )
    return "\n".join([*lines, *textwrap.wrap(said, ATTACKS)])

"""`mtrbench validate`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import click
from tabulate import tabulate

from .options import json_option

Rows = Sequence[Mapping[str, Any]]

IMAGES = 3


def _attack(name: str, model: str) -> Rows:
    import torch

    from ..attacks.conformance.kit import examine
    from ..attacks.registry import load_attack, settings_of
    from ..models.zoo import find_card
    from .workshop import LocalWorkshop, found_models, threat_ref

    torch.set_num_threads(1)  # as in every job; small tensors gain nothing by more
    workshop = LocalWorkshop(found_models([model]), None, "cpu", IMAGES)
    card, _ = find_card(model)
    cell = workshop.cell(card.name, card.dataset, IMAGES, name, threat_ref("linf", 4, None), 0, None)
    batch = workshop.dataset(cell).batch(range(IMAGES))
    outcomes = examine(partial(load_attack, name), settings_of(name), workshop.model(cell), batch)
    return [asdict(outcome) for outcome in outcomes]


KINDS: dict[str, Callable[[str, str], Rows]] = {"attack": _attack}


@click.command()
@click.argument("kind", metavar="KIND", type=click.Choice(list(KINDS)))
@click.argument("name")
@click.option("--model", default="rooms3-shared.clean", show_default=True, help="What an attack is to be strong on.")
@json_option
@click.pass_context
def validate(context: click.Context, kind: str, name: str, model: str, as_json: bool) -> None:
    """Check an attack, by its name or as pkg.module:object, for the properties of one: KIND attack.

    Exits with 1 if a property fails.
    """
    rows = KINDS[kind](name, model)
    click.echo(json.dumps(rows, indent=1) if as_json else tabulate(rows, headers="keys"))
    context.exit(any(row["result"] == "fail" for row in rows))

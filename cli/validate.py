"""`mtrbench validate`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..benchmark.protocol.arguments import DataRoot
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.findings import Finding
from .options import data_options, json_option
from .terminal import Command, echo, table

Rows = Sequence[Mapping[str, Any]]


def _attack(name: str, model: str | None, dataset: str | None, data_root: DataRoot | None) -> Rows:
    from ..api.attack_checks import STRONG_ON, examine_attack
    from ..attacks.doors import SHOWN
    from ..attacks.listing import attack_with

    if dataset:
        raise BadInputError(f"--dataset {dataset} is what a model is tried on; an attack is tried on that of --model")
    attack, kind = attack_with(name)
    if kind != "attack":
        echo(f"{name} is {SHOWN[kind]}; what follows is of {attack}", err=True)
    return _rows(examine_attack(attack, model or STRONG_ON, data_root))


def _model(name: str, strong_on: str | None, dataset: str | None, data_root: DataRoot | None) -> Rows:
    from ..api.model_checks import examine_model

    if strong_on:
        raise BadInputError(f"--model {strong_on} says what an attack is to be strong on; leave it out for a model")
    return _rows(examine_model(name, dataset, data_root))


def _submission(place: str, strong_on: str | None, dataset: str | None, data_root: DataRoot | None) -> Rows:
    from ..api.means import Means
    from ..api.submit import validate_submission
    from ..benchmark.engines import Serial

    for option, given in (("--model", strong_on), ("--dataset", dataset)):
        if given:
            raise BadInputError(f"{option} {given}: the records of a submission say what it was tried on; leave it out")
    return _rows(validate_submission(Path(place), Means(Serial(), data_root)))


def _rows(found: Mapping[str, Finding]) -> Rows:
    return [{"property": title, **asdict(finding)} for title, finding in found.items()]


KINDS: dict[str, Callable[[str, str | None, str | None, DataRoot | None], Rows]] = {
    "attack": _attack,
    "model": _model,
    "submission": _submission,
}


@click.command(cls=Command)
@click.argument("kind", metavar="KIND", type=click.Choice(list(KINDS)))
@click.argument("name")
@click.option("--model", help="What an attack is to be strong on.", show_default="rooms3-shared.clean")
@click.option("--dataset", help="What a model without a card is tried on.")
@data_options
@json_option
@click.pass_context
def validate(
    context: click.Context,
    kind: str,
    name: str,
    model: str | None,
    dataset: str | None,
    data_root: DataRoot | None,
    as_json: bool,
) -> None:
    """Check an attack or a part of one, by its name, a model, by its name or its card's path, or a submission.

    KIND is attack, model or submission. pkg.module:Object and ./file.py:Object stand for a name; a submission is a
    folder or what mtrbench submit made of it, and no code of it is run. Exits with 1 if a property fails. A flag is a
    sign that a model hides its gradients rather than being robust, or that something is not at hand, and no failure.
    """
    from ..benchmark.engines import settle_process

    settle_process()
    rows = KINDS[kind](name, model, dataset, data_root)
    echo(json.dumps(rows, indent=1) if as_json else table(rows, headers="keys"))
    context.exit(any(row["result"] == "fail" for row in rows))

"""`mtrbench show`."""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING, Any

import click

from ..api.records import find_record
from ..benchmark.protocol.records import Record
from .options import json_option
from .terminal import Command, echo

if TYPE_CHECKING:
    from ..benchmark.protocol.types import Attack


def _model(name: str) -> tuple[dict[str, Any], str]:
    from ..benchmark.protocol.tasks.registry import task_settings
    from ..models.nets.cost import sharing_indices
    from ..models.registry import CodeModel, find_model
    from .card_text import card_text

    found = find_model(name)
    if isinstance(found, CodeModel):
        parameters = sum(parameter.numel() for parameter in found.load().parameters())
        data = {"name": found.name, "tasks": task_settings(found.tasks), "parameters": parameters}
        return data, "\n".join(_lines(data))
    card = found.card
    sharing = sharing_indices(card, found.folder)
    data = {**card.model_dump(mode="json", exclude_none=True), "sharing_index": sharing}
    return data, card_text(card, sharing, found.folder)


def _attack(name: str) -> tuple[dict[str, Any], str]:
    from ..attacks.registry import attack_facts, describe, load_attack

    made = load_attack(name)
    version, settings = describe(name, made)
    about = said_of(made)
    members = attack_facts(name, made).members
    said = "\n".join([about, *(said_of(load_attack(member)) for member in members)])
    data = {
        "name": name,
        "version": version,
        **({"members": [*members]} if members else {}),
        "papers": [f"https://arxiv.org/abs/{number}" for number in dict.fromkeys(ARXIV.findall(said))],
        "settings": settings,
        "about": about,
    }
    return data, "\n".join(_lines(data))


def said_of(attack: Attack) -> str:
    """What the parts of an attack say of themselves."""
    from ..attacks.parts import components

    return "\n\n".join(inspect.getdoc(part) or "" for part in components(attack))


def _record(what: str) -> tuple[dict[str, Any], str]:
    record = find_record(what)
    data = record.model_dump(mode="json", by_alias=True)
    del data.get("degradation", data)["replicates"]  # of programs; those of a clean pass stand on top
    if isinstance(record, Record):
        data = {"command": record.command(), **data}
    return data, "\n".join(_lines(data))


ARXIV = re.compile(r"arXiv\s+(\d{4}\.\d{4,5})")
KINDS = {"model": _model, "attack": _attack, "record": _record}


@click.command(cls=Command)
@click.argument("kind", metavar="KIND", type=click.Choice(list(KINDS)))
@click.argument("name")
@json_option
def show(kind: str, name: str, as_json: bool) -> None:
    """Show a model's card, an attack's maths, papers, members and settings, or a record: KIND model, attack, record.

    A record is named by its file or by the beginning of its key, and shown with the command that measures it again.
    """
    data, text = KINDS[kind](name)
    echo(json.dumps(data, indent=1) if as_json else text)


def _lines(value: dict[str, Any], depth: int = 0) -> list[str]:
    """Nested data, indented; an estimate (value, low, high) on one line."""
    lines = []
    for key, entry in value.items():
        head = f"{'  ' * depth}{key}:"
        if isinstance(entry, dict) and set(entry) == {"value", "low", "high"}:
            numbers = ("-" if entry[part] is None else f"{entry[part]:.4g}" for part in ("value", "low", "high"))
            lines.append("{} {} [{}, {}]".format(head, *numbers))
        elif isinstance(entry, dict):
            lines += [head, *_lines(entry, depth + 1)] if entry else [f"{head} -"]
        elif isinstance(entry, str) and "\n" in entry:
            lines += [head, *(f"{'  ' * (depth + 1)}{line}".rstrip() for line in entry.splitlines())]
        elif isinstance(entry, list):
            lines.append(f"{head} {', '.join(map(str, entry)) or '-'}")
        else:
            lines.append(f"{head} {'-' if entry is None else entry}")
    return lines

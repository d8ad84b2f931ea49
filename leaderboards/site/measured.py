"""What a row of the site leads to: the command that measures it again, and its records."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...benchmark.protocol.packing import packed
from ...benchmark.protocol.records import Record
from ..analysis.group import Group
from ..analysis.headline import headline_attack
from .html_table import Kind, Measured, Table
from .rows import slug

DIGITS = 12
"""Digits of a key by which pages name a record."""


def measured(
    table: Table, part: Group, section: str, rows: Kind, against: Mapping[str, Sequence[str]], compares: bool
) -> Table:
    """A table with what its rows were measured by: their own model, or attack, `against` others."""
    found, commands = {}, {}
    for name, others in against.items():
        pairs = [(name, other) if rows == "model" else (other, name) for other in others]
        if records := [part.records[pair] for pair in pairs if pair in part.records]:
            found[name] = (*others,)
            commands[name] = records[0].command([record.cell.model.name for record in records[1:]])
    return replace(table, measured=Measured(section, rows, found, commands, compares))


def places(part: Group, section: str, suite: str, models: Iterable[str], attacks: Iterable[str]) -> dict[str, Any]:
    """Where scripts find the records of these models and attacks; `kin` is shared by settings that differ in eps."""
    models, attacks = [*models], [*attacks]
    return {
        "section": section,
        "title": part.title,
        "kin": slug("", f"{suite} {replace(part.setting, eps=0.0)}"),
        "eps": part.setting.eps,
        "tasks": part.setting.tasks,
        "first": headline_attack(part),
        "models": models,
        "attacks": attacks,
        "files": [record_file(suite, part.any_record(model)) for model in models],
        "keys": [[_key(part.records.get((model, attack))) for attack in attacks] for model in models],
    }


def record_file(suite: str, record: Record) -> str:
    """The file of a suite's records of a model."""
    return f"records-{slug(f'{suite}-{record.cell.model.name}', f'{suite} {record.cell.model.name}')}.js"


def record_files(suite: str, parts: Iterable[Group]) -> dict[str, bytes]:
    """The records of a suite's groups by file."""
    found: dict[str, list[Record]] = {}
    for record in (record for part in parts for record in part.records.values()):
        found.setdefault(record_file(suite, record), []).append(record)
    return {file: _script(file, records) for file, records in found.items()}


def _script(file: str, records: Iterable[Record]) -> bytes:
    """Packed records as a script: a page that was opened from a disk may load no other kind of file."""
    text = base64.urlsafe_b64encode(packed(records)).decode()
    return f'arrived("{file}","{text}");\n'.encode()


def _key(record: Record | None) -> str:
    return record.key[:DIGITS] if record else ""

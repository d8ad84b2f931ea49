"""Which records count: each once, none that is invalidated and none that another one supersedes."""

from __future__ import annotations

from collections.abc import Sequence

from ...benchmark.protocol.errors import BadInputError
from ...benchmark.protocol.records import Record


def current(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Of records with a key each, those that count, and the superseded and invalidated ones, both sorted by key.

    Raises BadInputError if a record supersedes one of another model, attack, data set or budget, or if records
    supersede each other.
    """
    by_key = {record.key: record for record in records}
    out = {record.key for record in by_key.values() if record.invalidated is not None}
    for record in by_key.values():
        old = by_key.get(record.supersedes.key if record.supersedes else "")
        if old is not None:
            _check(record, old, by_key)
            out.add(old.key)
    ordered = [by_key[key] for key in sorted(by_key)]
    return (
        [record for record in ordered if record.key not in out],
        [record for record in ordered if record.key in out],
    )


def _check(new: Record, old: Record, by_key: dict[str, Record]) -> None:
    if about(new) != about(old):
        raise BadInputError(f"record {new.key} supersedes {old.key}, of another model, attack, data set or budget")
    seen: Record | None = old
    for _ in by_key:
        seen = by_key.get(seen.supersedes.key) if seen is not None and seen.supersedes else None
        if seen is new:
            raise BadInputError(f"records {new.key} and {old.key} supersede each other; remove one")


def about(record: Record) -> tuple[object, ...]:
    """What a record must have in common with one that it supersedes: model, attack, source, data set and budget."""
    cell, source = record.cell, record.cell.source
    return cell.model.name, record.attack.name, source and source.name, cell.dataset.name, record.threat

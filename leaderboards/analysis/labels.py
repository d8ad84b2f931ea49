"""Labels for models and attacks: their names, with what tells apart those of the same name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...benchmark.protocol.records import Record


@dataclass(frozen=True)
class Name:
    """The name of a model or an attack, with a remark for people; shown as code, so that nothing in it is markup."""

    text: str
    remark: str = ""


def labels(
    records: Sequence[Record], name: Callable[[Record], str], details: Callable[[Record], dict[str, object]]
) -> dict[str, str]:
    """A label per record key: the name, with those details in brackets that differ among records of that name."""
    by_name: dict[str, dict[str, dict[str, object]]] = {}
    for record in records:
        by_name.setdefault(name(record), {})[record.key] = details(record)
    found = {}
    for text, by_key in by_name.items():
        fields = sorted({field for detail in by_key.values() for field in detail})
        first = next(iter(by_key.values()))
        alike = all(detail == first for detail in by_key.values())  # as nearly always
        varying = [f for f in fields if not alike and len({json.dumps(d.get(f)) for d in by_key.values()}) > 1]
        for key, detail in by_key.items():
            extra = ", ".join(f"{f}={detail.get(f)}" if f else str(detail[f]) for f in varying)
            # Settings are free text; what would break a table is not let into a label.
            safe = re.sub(r"[^\w .,=:+-]", "?", extra)
            found[key] = f"{text} [{safe}]" if varying else text
    return found


def details(record: Record) -> dict[str, object]:
    """What may tell apart attacks of one name: settings, version, seed, and of one from outside the code."""
    version, code = record.attack.version[:8], (record.attack.code or "")[:8]
    return {**flat(record.attack.settings), "version": version, "code": code, "seed": record.cell.seed}


def steps_of(record: Record) -> int | None:
    """How many steps the record's attack takes, None if it has no such setting."""
    value = record.attack.settings.get("steps")
    return value if isinstance(value, int) else None


def flat(settings: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Nested settings as one level, with names joined by dots."""
    found: dict[str, object] = {}
    for name, value in settings.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found

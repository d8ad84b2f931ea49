"""Several records of one cell as one: the same numbers are one result, whoever measured them where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .errors import BadInputError
from .records import AnyRecord, Record

_NO_RESULTS: dict[str, Any] = {
    **dict.fromkeys(("model_facts", "attack_facts", "task_facts", "environment"), True),
    **dict.fromkeys(("tier", "supersedes", "invalidated"), True),
    "costs": {"seconds", "peak_memory_mb"},
}
"""What may differ between two records of the same result: who says what of it, and on which machine."""


class Found(NamedTuple):
    """A record, and where it stands, for people."""

    where: str
    record: AnyRecord


def merged(found: Iterable[Found]) -> list[AnyRecord]:
    """The records with each cell once, sorted by key.

    Of several with the same numbers, the one that a maintainer has annotated (`invalidated`, `supersedes`, the tier
    `published`) is kept, else the first. Raises BadInputError naming both if the numbers differ.
    """
    kept: dict[str, Found] = {}
    for new in found:
        old = kept.setdefault(new.record.key, new)
        if old is not new:
            kept[new.record.key] = better(old, new)
    return [kept[key].record for key in sorted(kept)]


def better(old: Found, new: Found) -> Found:
    """Which of two records of one cell `merged` keeps; raises as it does."""
    if old.record != new.record:
        place = next(_differences(_results(old.record), _results(new.record)), None)
        if place is not None:
            raise BadInputError(
                f"{old.where} and {new.where} are of the same cell, {old.record.key[:12]}..., and differ in {place}; "
                "remove the wrong one"
            )
    return new if _said(new.record) > _said(old.record) else old


def _said(record: AnyRecord) -> tuple[bool, ...]:
    if not isinstance(record, Record):
        return ()
    return record.invalidated is not None, record.supersedes is not None, record.tier == "published"


def _results(record: AnyRecord) -> dict[str, Any]:
    return record.model_dump(exclude=_NO_RESULTS)


def _differences(one: object, other: object, place: str = "") -> Iterator[str]:
    """Where two nested values differ."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from _differences(one[name], other[name], f"{place}.{name}" if place else name)
    elif one != other:
        yield f"{place} ({one} and {other})" if isinstance(one, float | int) else place

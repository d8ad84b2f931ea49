"""Several records of one cell as one: the same numbers are one result, whoever measured them where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .errors import BadInputError
from .provenance import TIERS
from .records import AnyRecord, Record


class Found(NamedTuple):
    """A record, and where it stands, for people."""

    where: str
    record: AnyRecord


def merged(found: Iterable[Found]) -> list[AnyRecord]:
    """The records with each cell once, sorted by key.

    Of several with the same numbers, the one of which most is said (`invalidated`, `supersedes`, its evidence,
    `submission`) is kept, else the first. Raises BadInputError naming both if the numbers differ.
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
        place = next(_differences(old.record.results(), new.record.results()), None)
        if place is not None:
            raise BadInputError(
                f"{old.where} and {new.where} are of the same cell, {old.record.key[:12]}..., and differ in {place}; "
                "remove the wrong one"
            )
    return new if _said(new.record) > _said(old.record) else old


def _said(record: AnyRecord) -> tuple[int, ...]:
    annotations = (record.invalidated, record.supersedes) if isinstance(record, Record) else (None, None)
    return (
        *(said is not None for said in annotations),
        TIERS.index(record.tier),
        len(record.evidence),
        record.submission is not None,
    )


def _differences(one: object, other: object, place: str = "") -> Iterator[str]:
    """Where two nested values differ."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from _differences(one[name], other[name], f"{place}.{name}" if place else name)
    elif one != other:
        yield f"{place} ({one} and {other})" if isinstance(one, float | int) else place

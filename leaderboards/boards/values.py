"""What tables show of records that may be missing or incomplete."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...benchmark.protocol.estimates import Estimate
from ...benchmark.protocol.records import Record
from ...benchmark.stats import Bootstrapped, mean
from ..analysis.group import INCOMPLETE, Group
from ..analysis.scores import is_complete
from .table import Value


def of_record(record: Record | None, part: Callable[[Record], Estimate]) -> Value:
    """A part of a record: None if there is no record, INCOMPLETE if a score of it is undefined."""
    if record is None:
        return None
    return part(record) if is_complete(record) else INCOMPLETE


def ard_of(record: Record | None) -> Value:
    """The averaged relative degradation of a record."""
    return of_record(record, lambda found: found.degradation.ard)


def mean_over(records: Sequence[Record | None], scores: Callable[[Sequence[Record]], list[Bootstrapped]]) -> Value:
    """The mean of a score over records: None if one is missing, INCOMPLETE if a score of one is undefined."""
    found = [record for record in records if record is not None]
    if not found or len(found) < len(records):
        return None
    return mean(scores(found)).estimate() if all(map(is_complete, found)) else INCOMPLETE


def seconds_of(group: Group) -> Callable[[Record], float | None]:
    """Seconds per image of a record on the device of most of the group's, None on another."""
    return lambda record: (
        record.costs.seconds / record.cell.dataset.images if record.environment.device_kind == group.device else None
    )

"""The records of a run out of its shares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .environment import code_sha256
from .evaluation import spans, undone
from .measurement import Measurement
from .protocol.cells import Cell
from .protocol.errors import BadInputError
from .protocol.records import AnyRecord
from .protocol.tasks.registry import tasks_of
from .recording import Desk
from .shares import Found, check_same, read_share
from .store import Store


def merge_shares(folders: Sequence[Path], out: Store) -> list[AnyRecord]:
    """The records of a run out of all of its shares, in the order of its cells, left in `out` with all passes.

    They are those of one run, but for time, memory and machine. Raises BadInputError, with nothing written, for shares
    of different runs, code, libraries or devices, and for one that lacks, stands twice or is not done.
    """
    found = sorted((Found(store, read_share(store)) for store in map(Store, folders)), key=lambda one: one.share.number)
    first = found[0]
    for other in found[1:]:
        check_same(first, other.share, other.place)
    if first.share.code != code_sha256():
        raise BadInputError(f"{first.place} was made by other code than this; merge with the code that made it")
    _check_complete(found)
    jobs = [(one.store, job) for one in found for job in one.share.jobs]
    places = {(job.cell.key, job.span): store for store, job in jobs}

    def whole(cell: Cell) -> Measurement:
        key = cell.key
        return Measurement.merge(places[key, span].shard(cell, span) for span in spans(cell))

    desk = Desk(first.share.environment, whole)
    records = [desk.record(draft, tasks_of(draft.cell.tasks)) for draft in first.share.drafts]
    for store, job in jobs:
        out.copy_shard(store, job.cell, job.span)
    for record in records:
        out.save_record(record)
    return records


def _check_complete(found: Sequence[Found]) -> None:
    """Raises BadInputError unless every share is there, once, and done."""
    of, places = found[0].share.of, {one.share.number: one for one in found}
    for one in found:
        if places[one.share.number] is not one:
            folders = f"{one.store.root} and {places[one.share.number].store.root}"
            raise BadInputError(f"share {one.share.title} stands twice, in {folders}; leave one out")
    lacking = [f"{number}/{of}" for number in range(1, of + 1) if number not in places]
    if lacking:
        raise BadInputError(f"without share {' and '.join(lacking)}; run it too, and merge all {of}")
    for one in found:
        jobs = one.share.jobs
        left = undone(jobs, one.store)
        if left:
            raise BadInputError(f"{one.place} lacks {len(left)} of its {len(jobs)} parts; run it again")

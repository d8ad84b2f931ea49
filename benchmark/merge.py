"""Stores of several machines as one: those of whole runs, and the shares of one, whose records are made now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .environment import code_sha256
from .jobs import Job, spans, undone
from .measurement import Measurement
from .protocol.cells import Cell
from .protocol.errors import BadInputError
from .protocol.merging import Found, merged
from .protocol.reading import read_places
from .protocol.records import AnyRecord
from .protocol.tasks.registry import tasks_of
from .recording import Desk
from .shares import FILE, StoredShare, check_same, read_share
from .store import Store


def merge_stores(folders: Sequence[Path], out: Store) -> list[AnyRecord]:
    """All records of several stores, left in `out` with the passes that they are made of.

    Folders of runs are united, each cell once. Shares of a run come to the records of one run, in its order, but for
    time, memory and machine. Raises BadInputError, with nothing written, for a folder that is neither, for two results
    of one cell, for shares of different runs, code, libraries or devices, and for one that lacks, stands twice or is
    not done.
    """
    stores = [Store(folder) for folder in folders]
    shares = sorted((read_share(one) for one in stores if (one.root / FILE).exists()), key=lambda one: one.share.number)
    runs = [one for one in stores if not (one.root / FILE).exists()]
    for one in runs:
        if not one.records.is_dir():
            raise BadInputError(f"{one.root} holds neither records nor a share of a run; make some with mtrbench run")
    records = _records_of(shares) if shares else []
    if runs:
        made = (Found("a record made of the shares", record) for record in records)
        records = merged([*made, *read_places([one.records for one in runs])])
    for one in stores:
        out.copy_shards(one)
    for record in records:
        out.save_record(record)
    return records


def _records_of(shares: Sequence[StoredShare]) -> list[AnyRecord]:
    """What the shares of a run come to; they must fit, and be all."""
    first = shares[0]
    for other in shares[1:]:
        check_same(first, other.share, other.place)
    if first.share.code != code_sha256():
        raise BadInputError(f"{first.place} was made by other code than this; merge with the code that made it")
    jobs = [one.share.jobs for one in shares]
    _check_complete(shares, jobs)
    places = {(job.cell.key, job.span): one.store for one, own in zip(shares, jobs, strict=True) for job in own}

    def whole(cell: Cell) -> Measurement:
        key = cell.key
        return Measurement.merge(places[key, span].shard(cell, span) for span in spans(cell))

    desk = Desk(first.share.environment, whole)
    return [desk.record(draft, tasks_of(draft.cell.tasks)) for draft in first.share.drafts]


def _check_complete(shares: Sequence[StoredShare], jobs: Sequence[Sequence[Job]]) -> None:
    """Raises BadInputError unless every share is there, once, and its jobs are done."""
    of, places = shares[0].share.of, {one.share.number: one for one in shares}
    for one in shares:
        if places[one.share.number] is not one:
            folders = f"{one.store.root} and {places[one.share.number].store.root}"
            raise BadInputError(f"share {one.share.title} stands twice, in {folders}; leave one out")
    lacking = [f"{number}/{of}" for number in range(1, of + 1) if number not in places]
    if lacking:
        raise BadInputError(f"without share {' and '.join(lacking)}; run it too, and merge all {of}")
    for one, own in zip(shares, jobs, strict=True):
        left = undone(own, one.store)
        if left:
            raise BadInputError(f"{one.place} lacks {len(left)} of its {len(own)} parts; run it again")

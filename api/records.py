"""Records by their key, wherever they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from .. import leaderboards
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.merging import merged
from ..benchmark.protocol.reading import read_file, read_record, read_records, record_paths
from ..benchmark.protocol.records import AnyRecord

OWN = Path("mtrbench-results/records")
PUBLISHED = Path(leaderboards.__file__).parent / "records"
BEGINNING = re.compile("[0-9a-f]{4,64}")
"""What is enough of a key to look for its record."""


def find_record(what: str, places: Sequence[Path] = (OWN, PUBLISHED)) -> AnyRecord:
    """The record in a file that holds one, or the one in `places` whose key begins with `what`.

    `places` are folders of records, or of such folders. Raises BadInputError if there is none, or more than one, and
    for a bad record on the way.
    """
    if Path(what).is_file():
        return read_record(Path(what))
    if not BEGINNING.fullmatch(what):
        raise BadInputError(f"there is no file {what}, and the beginning of a key is four hex digits at least")
    found = merged(one for path in record_files(places) for one in read_file(path, what))
    if len(found) != 1:
        many = f"{len(found)} records have keys that begin with {what}; say more of it"
        where = " and ".join(map(str, places))
        raise BadInputError(many if found else f"no record in {where} has a key that begins with {what}")
    return found[0]


def records_at(places: Sequence[Path]) -> list[AnyRecord]:
    """The records in files, folders, and folders of folders; raises BadInputError where there are none."""
    return read_records(*([*record_files(places)] or places))


def record_files(places: Sequence[Path]) -> Iterator[Path]:
    """The files of records in these folders, and in the folders in them; a file stands for itself."""
    for place in places:
        if place.is_file():
            yield place
        for folder in (place, *sorted(part for part in place.glob("*") if part.is_dir())):
            yield from record_paths(folder)

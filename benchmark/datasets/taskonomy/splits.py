"""Which of Taskonomy's buildings are to train on, to validate on and to test on."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from os.path import isfile
from pathlib import Path

from ...protocol.errors import BadInputError
from ..disk.files import reading
from ..disk.source import visible

COLUMNS = ["id", "train", "val", "test"]
TINY = {
    "train": (
        *("allensville", "beechwood", "benevolence", "coffeen", "cosmos", "forkland", "hanson", "hiteman", "klickitat"),
        *("lakeville", "leonardo", "lindenwood", "marstons", "merom", "mifflinburg", "newfields", "onaga", "pinesdale"),
        *("pomaria", "ranchester", "shelbyville", "stockman", "tolstoy", "wainscott", "woodbine"),
    ),
    "val": ("collierville", "corozal", "darden", "markleeville", "wiconisco"),
    "test": ("ihlen", "mcdade", "muleshoe", "noxapater", "uvalda"),
}
"""Tiny-Taskonomy's buildings, which are meant where no table says otherwise."""


def chosen(root: Path, samples: Sequence[str], split: str) -> tuple[str, ...]:
    """The samples of a split, by the buildings whose folders they lie in.

    A table `*.csv` in the root, or in its folder splits_taskonomy, says which; without one it is Tiny-Taskonomy's.
    Samples without buildings are all to test on. Raises BadInputError for several tables and for one that is none.
    """
    if samples and "/" not in samples[0]:
        if split != "test":
            raise BadInputError(f"data root {root} has no folders of buildings, so that nobody knows its split {split}")
        return (*samples,)
    tables = [path for folder in (root, root / "splits_taskonomy") for path in visible(folder, "*.csv") if isfile(path)]
    if len(tables) > 1:
        raise BadInputError(f"data root {root} has several tables of splits: {tables[0]} and {tables[1]}; leave one")
    buildings = _buildings(tables[0], split) if tables else TINY[split]
    return tuple(sample for sample in samples if sample.partition("/")[0] in buildings)


def _buildings(path: Path, split: str) -> set[str]:
    with reading(path, f"a table with the columns {', '.join(COLUMNS)}") as file:
        # Of all line endings: the tiny table's are bare carriage returns.
        rows = [*csv.reader(file.getvalue().decode("utf-8-sig").splitlines())]
        if [name.strip() for name in rows[0]] != COLUMNS:
            raise ValueError(rows[0])
        said = [dict(zip(COLUMNS, (value.strip() for value in row), strict=True)) for row in rows[1:] if row]
        if any(row[name] not in ("0", "1") for row in said for name in COLUMNS[1:]):
            raise ValueError("neither 0 nor 1")
    return {row["id"] for row in said if row[split] == "1"}

"""A board: a table whose numbers are still numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from ...benchmark.protocol.records import Estimate
from ..analysis.labels import Name
from ..analysis.ranking import Rank

Place = Literal["everywhere", "pages", "csv"]
Cell = Name | Rank | Estimate | str | int | float | None


@dataclass(frozen=True)
class Column:
    """`name` heads the column in a CSV, `title` in a table, where a line break is a place to break it.

    `shows` is what a table shows of the column's numbers, with `digits` decimals or more; `where` says which tables
    show it: every one, those on pages, which are wider than a terminal, or none. A CSV holds everything. On pages the
    largest number of a column that `marks_highest` is bold. `note` stands below the board's own wherever the column is
    shown.
    """

    name: str
    title: str
    shows: Literal["interval", "value", "count"] = "value"
    where: Place = "everywhere"
    marks_highest: bool = False
    digits: int = 0
    note: str = ""


@dataclass(frozen=True)
class Board:
    """A table; `scope` says what its rows are about, as the first columns of a CSV."""

    name: str
    title: str
    note: str
    scope: tuple[tuple[str, str | int | float], ...]
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def pick(self, *names: str) -> Board:
        """The board with only the columns of these names, in the board's order."""
        kept = [i for i, column in enumerate(self.columns) if column.name in names]
        return replace(
            self,
            columns=tuple(self.columns[i] for i in kept),
            rows=tuple(tuple(row[i] for i in kept) for row in self.rows),
        )

    def where(self, *places: str) -> Board:
        """The board with only the columns that are shown in one of these places."""
        return self.pick(*(column.name for column in self.columns if column.where in places))

    def only(self, name: str, cells: Collection[Cell]) -> Board:
        """The board with only the rows that have one of these cells in a column."""
        kept = [row for row, cell in zip(self.rows, self.column(name), strict=True) if cell in cells]
        return replace(self, rows=tuple(kept))

    def top(self, count: int) -> Board:
        """The board with only its first rows, and the note with how many there are."""
        if count >= len(self.rows):
            return self
        note = f"{self.note} The first {count} of {len(self.rows)} rows.".lstrip()
        return replace(self, rows=self.rows[:count], note=note)

    def top_of_each(self, name: str, count: int) -> Board:
        """The board with only the first rows of each value in a column, and the note with how many there are."""
        seen = Counter[Cell]()
        kept = []
        for row, value in zip(self.rows, self.column(name), strict=True):
            seen[value] += 1
            if seen[value] <= count:
                kept.append(row)
        if len(kept) == len(self.rows):
            return self
        note = f"{self.note} The first {count} of every {name}, of {len(self.rows)} rows in all.".lstrip()
        return replace(self, rows=tuple(kept), note=note)

    def column(self, name: str) -> tuple[Cell, ...]:
        """A column's cells, top to bottom."""
        index = [column.name for column in self.columns].index(name)
        return tuple(row[index] for row in self.rows)

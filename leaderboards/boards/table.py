"""A board: a table whose numbers are still numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, Self, TypeVar

from ...benchmark.protocol.estimates import Estimate
from ..analysis.flags import Raised
from ..analysis.labels import Name
from ..analysis.ranking import Rank

S = TypeVar("S")

Place = Literal["everywhere", "pages", "site", "csv"]
Value = Name | Rank | Estimate | tuple[Raised, ...] | str | int | float | None
"""What a place in a table holds; None where nothing was measured."""

Scope = tuple[tuple[str, str | int | float], ...]


@dataclass(frozen=True)
class Column(Generic[S]):
    """A column, and how a row's subject fills it: `value(subject)`.

    `name` heads the column in a CSV, `title` in a table; a line break in it marks an allowed wrap. `shows` is what a
    table shows of the column's numbers, with `digits` decimals or more; `where` says which tables show it: every one,
    those on pages, which are wider than a terminal, the site's alone, or none. A CSV holds everything. On pages the
    largest number of a column that `marks_highest` is bold. The site links names to the pages of what they are
    `names_of`, also draws the intervals of a column that `draws`, and sorts by a column with its better end on top,
    which is the largest number or, with `low_is_better`, the smallest. `note` stands below the board's own wherever
    the column is shown.
    """

    name: str
    title: str
    value: Callable[[S], Value] = field(repr=False, compare=False)
    shows: Literal["interval", "value", "count", "rank"] = "value"
    where: Place = "everywhere"
    marks_highest: bool = False
    digits: int = 0
    names_of: Literal["model", "attack"] | None = None
    draws: bool = False
    low_is_better: bool = False
    note: str = ""


@dataclass(frozen=True)
class Board:
    """A table; `scope` says what its rows are about, as the first columns of a CSV. Made by `of`."""

    name: str
    title: str
    note: str
    scope: Scope
    columns: tuple[Column[Any], ...]
    rows: tuple[tuple[Value, ...], ...]

    @classmethod
    def of(
        cls, name: str, title: str, note: str, scope: Scope, columns: Iterable[Column[S]], subjects: Iterable[S]
    ) -> Self:
        """A board with a row for every subject."""
        columns = tuple(columns)
        rows = tuple(tuple(column.value(subject) for column in columns) for subject in subjects)
        return cls(name, title, note, scope, columns, rows)

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"board {self.name}: every row needs a value for each of {len(self.columns)} columns")

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

    def only(self, name: str, values: Collection[Value]) -> Board:
        """The board with only the rows that have one of these values in a column."""
        kept = [row for row, value in zip(self.rows, self.column(name), strict=True) if value in values]
        return replace(self, rows=tuple(kept))

    def top(self, count: int) -> Board:
        """The board with only its first rows, and the note with how many there are."""
        if count >= len(self.rows):
            return self
        note = f"{self.note} The first {count} of {len(self.rows)} rows.".lstrip()
        return replace(self, rows=self.rows[:count], note=note)

    def top_of_each(self, name: str, count: int) -> Board:
        """The board with only the first rows of each value in a column, and the note with how many there are."""
        seen = Counter[Value]()
        kept = []
        for row, value in zip(self.rows, self.column(name), strict=True):
            seen[value] += 1
            if seen[value] <= count:
                kept.append(row)
        if len(kept) == len(self.rows):
            return self
        note = f"{self.note} The first {count} of every {name}, of {len(self.rows)} rows in all.".lstrip()
        return replace(self, rows=tuple(kept), note=note)

    def column(self, name: str) -> tuple[Value, ...]:
        """A column's values, top to bottom."""
        index = [column.name for column in self.columns].index(name)
        return tuple(row[index] for row in self.rows)

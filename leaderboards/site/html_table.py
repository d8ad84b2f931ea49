"""Boards as tables of a page: what every cell shows, what it sorts by, and how its interval is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup, escape

from ...benchmark.protocol.estimates import Estimate
from ..analysis.flags import MEANINGS
from ..analysis.group import INCOMPLETE
from ..analysis.labels import Name
from ..analysis.ranking import Rank
from ..boards.attacks import NOT_ON_ALL_MODELS
from ..boards.models import NOT_UNDER_ALL_ATTACKS
from ..boards.table import Board, Column, Value
from ..output.render import ABSENT, highest, number, texts

REMARKS = {
    "control": "Knows nothing of the model; every attack must beat it. Not ranked.",
    "black box": "Asks for losses, never for gradients.",
}


STATUSES = {
    INCOMPLETE: "A score is undefined.",
    NOT_ON_ALL_MODELS: "Records of some of the models that are compared are missing.",
    NOT_UNDER_ALL_ATTACKS: "Records of some of the attacks that the others are ranked by are missing.",
}
"""What stands in place of a number, and why."""


@dataclass(frozen=True)
class Interval:
    """Where an interval and its number lie between the ends of its column, in percent."""

    low: str
    middle: str
    high: str


@dataclass(frozen=True)
class Shown:
    """A cell; it sorts by `order`, or by the number or the text that it shows where that is None."""

    text: str
    order: str | None = None
    bounds: str = ""
    interval: Interval | None = None
    code: bool = False
    strong: bool = False
    href: str = ""
    hint: str = ""
    badges: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Heading:
    """The head of a column; a first click sorts it with the largest number on top if it `descends`.

    `name` stands for the column in an address.
    """

    name: str
    title: Markup
    is_number: bool
    descends: bool


@dataclass(frozen=True)
class Row:
    """A row; a reader can pick rows by their `tags`."""

    cells: tuple[Shown, ...]
    tags: Mapping[str, str]
    is_incomplete: bool


Kind = Literal["model", "attack"]


@dataclass(frozen=True)
class Measured:
    """What the rows of a table were measured by; `section` is where scripts find their records.

    Each row is about its own model, or attack, and all of `against`, by its name; `commands` measure it again. Two rows
    of a table that `compares` can be ticked.
    """

    section: str
    rows: Kind
    against: Mapping[str, tuple[str, ...]]
    commands: Mapping[str, str]
    compares: bool


@dataclass(frozen=True)
class Table:
    """A board on a page; `header` is the column that names the rows, `picks` the values of every tag.

    `measured` says what the rows lead to, if they lead to anything.
    """

    anchor: str
    caption: str
    notes: tuple[Markup, ...]
    headings: tuple[Heading, ...]
    header: int
    rows: tuple[Row, ...]
    picks: Mapping[str, tuple[str, ...]]
    measured: Measured | None = None


def html_table(
    board: Board,
    anchor: str,
    caption: str,
    links: Mapping[str, Mapping[str, str]],
    tags: Mapping[str, Mapping[str, Mapping[str, str]]],
) -> Table:
    """A board as a table; `links` and `tags` are by kind of name, "model" or "attack", and then by name."""
    shown = board.where("everywhere", "pages", "site")
    marked, written = highest(shown), texts(shown)
    spans = [
        _span(row[i] for row in shown.rows) if column.draws else (0.0, 0.0) for i, column in enumerate(shown.columns)
    ]
    kinds = [column.names_of or "" for column in shown.columns]
    of = [links.get(kind, {}) for kind in kinds]
    header = next((i for i, cell in enumerate(shown.rows[0]) if isinstance(cell, Name)), 0) if shown.rows else 0
    rows = []
    for y, cells in enumerate(shown.rows):
        found = tuple(_shown(cell, written[y][x], spans[x], of[x], y in marked[x]) for x, cell in enumerate(cells))
        own = tags.get(kinds[header], {}).get(found[header].text, {})
        rows.append(Row(found, own, any(cell in STATUSES for cell in cells if isinstance(cell, str))))
    keys = dict.fromkeys(key for row in rows for key in row.tags)
    values = {key: tuple(sorted({row.tags[key] for row in rows if key in row.tags})) for key in keys}
    return Table(
        anchor,
        caption,
        tuple(prose(note) for note in (shown.note, *(column.note for column in shown.columns)) if note),
        tuple(_heading(column, [row[i] for row in shown.rows]) for i, column in enumerate(shown.columns)),
        header,
        tuple(rows),
        {key: found for key, found in values.items() if len(found) > 1},
    )


def prose(text: str) -> Markup:
    """A note's few marks of Markdown, code and emphasis, as markup; all else is text."""
    parts = [str(escape(part)) for part in text.split("`")]
    parts[::2] = [re.sub(r"\*([\w ]+)\*", r"<em>\1</em>", part) for part in parts[::2]]
    parts[1::2] = [f"<code>{part}</code>" for part in parts[1::2]]
    return Markup("".join(parts))  # noqa: S704  every part was escaped above


def _heading(column: Column[Any], cells: list[Value]) -> Heading:
    is_number = any(isinstance(cell, Rank) or number(cell) is not None for cell in cells)
    descends = is_number and column.shows != "rank" and not column.low_is_better
    return Heading(
        column.name,
        prose(column.title.replace("\n", " ").replace("95 %", "95\N{NO-BREAK SPACE}%")),
        is_number,
        descends,
    )


def _shown(cell: Value, text: str, span: tuple[float, float], links: Mapping[str, str], is_highest: bool) -> Shown:
    match cell:
        case None:
            return Shown(ABSENT)
        case Rank(best, worst):
            hint = "" if best == worst else f"tied: the data allow every rank from {best} to {worst}"
            return Shown(text.replace("-", "\N{EN DASH}"), order=f"{best + worst / 1e6:.6f}", hint=hint)
        case Name(name, remark):
            badges = ((remark, REMARKS.get(remark, "")),) if remark else ()
            return Shown(name, code=True, href=links.get(name, ""), badges=badges)
        case tuple():
            hints = tuple((str(raised), MEANINGS[raised.flag].replace("`", "")) for raised in cell)
            return Shown("", order=text, badges=hints)
        case str() if cell in STATUSES:
            return Shown("", badges=((cell, STATUSES[cell]),))
        case str():
            return Shown(cell)
        case Estimate(value=None):
            return Shown(ABSENT)
        case _:
            middle, _, bounds = text.partition(" ")
            interval = _interval(cell, span) if bounds and isinstance(cell, Estimate) else None
            return Shown(middle, None, bounds, interval, strong=is_highest)


def _span(cells: Iterable[Value]) -> tuple[float, float]:
    ends = [end for cell in cells if isinstance(cell, Estimate) for end in (cell.low, cell.high) if end is not None]
    return min([0.0, *ends]), max([0.0, *ends])


def _interval(cell: Estimate, span: tuple[float, float]) -> Interval | None:
    if cell.value is None or cell.low is None or cell.high is None or span[0] == span[1]:
        return None
    low, middle, high = (
        f"{100 * (end - span[0]) / (span[1] - span[0]):.3g}" for end in (cell.low, cell.value, cell.high)
    )
    return Interval(low, middle, high)

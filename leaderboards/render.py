"""Boards as text: Markdown for pages, CSV for programs, plain columns for a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from tabulate import tabulate

from ..benchmark.protocol.records import Estimate
from .board import Board, Cell, Column, Name, Rank

ABSENT = "-"


def markdown(board: Board, level: int = 2) -> str:
    """A heading, the note and the table."""
    shown = board.where("everywhere", "pages")
    titles = [column.title.replace("\n", " ") for column in shown.columns]
    return "\n\n".join(
        [f"{'#' * level} {board.title}", *_notes(shown), f"{_table(shown, titles, 'github', code=True)}\n"]
    )


def terminal(board: Board) -> str:
    """The title, the table and the note, in plain columns."""
    shown = board.where("everywhere")
    titles = [column.title.replace("`", "") for column in shown.columns]
    notes = [note.replace("`", "") for note in _notes(shown)]
    return "\n\n".join([board.title, _table(shown, titles, "simple", code=False), *notes]) + "\n"


def to_csv(boards: Sequence[Board]) -> str:
    """All boards in one table of plain numbers, with `_low` and `_high` beside every number that has an interval.

    A cell without a number is empty; columns that a board lacks are empty too.
    """
    rows = [row for board in boards for row in _plain_rows(board)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _notes(board: Board) -> list[str]:
    return [note for note in (board.note, *(column.note for column in board.columns)) if note]


def _table(board: Board, titles: list[str], style: str, code: bool) -> str:
    columns = [[row[i] for row in board.rows] for i in range(len(board.columns))]
    digits = [max(_digits(cells), column.digits) for cells, column in zip(columns, board.columns, strict=True)]
    texts = [
        [_text(cell, column, places, code) for cell, column, places in zip(row, board.columns, digits, strict=True)]
        for row in board.rows
    ]
    if code:
        for i in [i for i, column in enumerate(board.columns) if column.marks_highest]:
            values = [_value(cell) for cell in columns[i]]
            for text, value in zip(texts, values, strict=True):
                if value is not None and value == max(other for other in values if other is not None):
                    text[i] = f"**{text[i]}**"
    sides = ["left" if _are_words(cells) else "right" for cells in columns]
    return tabulate(texts, titles, style, disable_numparse=True, colalign=sides if texts else None)


def _are_words(cells: Sequence[Cell]) -> bool:
    known = [cell for cell in cells if cell is not None]
    return any(isinstance(cell, Name) for cell in known) or (known != [] and all(isinstance(c, str) for c in known))


def _digits(cells: Sequence[Cell]) -> int:
    """Decimals for a column: three significant digits of its largest number."""
    largest = max((abs(value) for cell in cells if (value := _value(cell)) is not None), default=0.0)
    return next((digits for limit, digits in ((100, 0), (10, 1), (1, 2)) if largest >= limit), 3)


def _value(cell: Cell) -> float | None:
    value = cell.value if isinstance(cell, Estimate) else cell
    return value if isinstance(value, (int, float)) else None


def _text(cell: Cell, column: Column, digits: int, code: bool) -> str:
    match cell:
        case None:
            return ABSENT
        case Rank(best, worst):
            return f"{best}" if best == worst else f"{best}-{worst}"
        case Name(text, remark):
            return (f"`{text}`" if code else text) + (f" ({remark})" if remark else "")
        case Estimate():
            if cell.value is None:
                return ABSENT
            number = _number(cell.value, digits)
            if column.shows != "interval" or cell.low is None or cell.high is None:
                return number
            return f"{number} [{_number(cell.low, digits)}, {_number(cell.high, digits)}]"
        case str():
            return cell
        case _:
            return f"{cell:.4g}" if column.shows == "count" else _number(cell, digits)


def _number(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _plain_rows(board: Board) -> list[dict[str, str]]:
    rows = []
    intervals = {i for i, _ in enumerate(board.columns) for row in board.rows if isinstance(row[i], Estimate)}
    for row in board.rows:
        plain = {name: _plain(value) for name, value in board.scope}
        for i, (column, cell) in enumerate(zip(board.columns, row, strict=True)):
            if column.name == "rank":
                best, worst = (cell.best, cell.worst) if isinstance(cell, Rank) else (None, None)
                plain |= {"rank_best": _plain(best), "rank_worst": _plain(worst)}
            elif i in intervals:
                found = cell if isinstance(cell, Estimate) else Estimate(value=None, low=None, high=None)
                plain[column.name] = _plain(found.value)
                plain |= {f"{column.name}_low": _plain(found.low), f"{column.name}_high": _plain(found.high)}
            else:
                plain[column.name] = cell.text if isinstance(cell, Name) else _plain(cell)
        rows.append(plain)
    return rows


def _plain(value: str | int | float | Rank | Name | Estimate | None) -> str:
    if value is None:
        return ""
    # Six digits: more than the images support, and the same on machines whose sums differ in the last bit.
    return f"{value:.6g}" if isinstance(value, float) else str(value)

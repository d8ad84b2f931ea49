"""Boards as text: Markdown for pages, plain columns for a terminal, CSV and JSON for programs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from itertools import chain
from typing import Any, Literal

from tabulate import tabulate

from ...benchmark.protocol.estimates import Estimate
from ..analysis.flags import Raised
from ..analysis.labels import Name
from ..analysis.ranking import Rank
from ..boards.table import Board, Column, Value

ABSENT = "-"

COLUMNS, PART = 20, 10
"""Most columns of one table on a page; a wider board is split into tables of PART columns besides the first."""


def markdown(board: Board, level: int = 2) -> str:
    """A heading, the note and the table."""
    shown = board.where("everywhere", "pages")
    tables = [
        _unpadded(_table(part, [column.title.replace("\n", " ") for column in part.columns], "pipe", code=True))
        for part in in_parts(shown)
    ]
    return "\n\n".join([f"{'#' * level} {board.title}", *notes(shown), *tables]) + "\n"


def unbroken(text: str) -> str:
    """Markdown with every interval in one line: of a narrow page's words, headings are the ones to wrap."""
    return re.sub(r" \[(\S+), (\S+)\] ", "\u00a0[\\1,\u00a0\\2] ", text)


def terminal(board: Board, width: int | None = None) -> str:
    """The title, the table and the note, in plain columns; a table wider than `width` letters in parts."""
    shown = board.where("everywhere")
    tables = [
        _table(part, [column.title.replace("`", "") for column in part.columns], "simple", code=False)
        for part in _fitting(shown, width)
    ]
    below = [note.replace("`", "") for note in notes(shown)]
    return "\n\n".join([board.title, *tables, *below]) + "\n"


def _fitting(board: Board, width: int | None) -> list[Board]:
    """The board in parts that all begin with the columns up to the first name; each has at least one column more."""
    if width is None or not board.rows:
        return [board]
    titles = [column.title.replace("`", "").split("\n") for column in board.columns]
    cells = zip(*texts(board), strict=True)
    # Tabulate leaves two blanks between columns, and two more beside a title.
    wide = [2 + max(2 + max(map(len, title)), *map(len, below)) for title, below in zip(titles, cells, strict=True)]
    if sum(wide) - 2 <= width:
        return [board]
    first = 1 + next((i for i, cell in enumerate(board.rows[0]) if isinstance(cell, Name)), 0)
    parts: list[list[int]] = [[]]
    for i in range(first, len(wide)):
        if parts[-1] and sum(wide[j] for j in [*range(first), *parts[-1], i]) - 2 > width:
            parts.append([])
        parts[-1].append(i)
    names = [column.name for column in board.columns]
    return [board.pick(*names[:first], *(names[i] for i in part)) for part in parts]


def in_parts(board: Board) -> list[Board]:
    """The board, or a wide one as several narrower ones that all begin with its first column."""
    first, *others = (column.name for column in board.columns)
    if len(board.columns) <= COLUMNS:
        return [board]
    return [board.pick(first, *others[start : start + PART]) for start in range(0, len(others), PART)]


def to_csv(boards: Sequence[Board]) -> str:
    """All boards in one table of plain numbers, with `_low` and `_high` beside every number that has an interval.

    A cell without a value is empty; columns that a board lacks are empty too.
    """
    tables = [(board, [*map(_fields, board.columns, _columns(board))]) for board in boards if board.rows]
    scopes = [[name for name, _ in board.scope] for board, _ in tables]
    heads = [[*scope, *chain(*fields)] for scope, (_, fields) in zip(scopes, tables, strict=True)]
    names = list(dict.fromkeys(chain(*heads)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for head, (board, fields) in zip(heads, tables, strict=True):
        scope = [_plain(value) for _, value in board.scope]
        for row in board.rows:
            found = dict(zip(head, chain(scope, *map(_plain_cells, row, fields)), strict=True))
            writer.writerow([found.get(name, "") for name in names])
    return text.getvalue()


def to_json(boards: Sequence[Board]) -> str:
    """The boards as a list of objects with everything that they hold, one row a line; every number has six digits.

    A cell is null, a number or a text, a rank `{"best", "worst"}`, a name `{"name", "remark"}` or an estimate
    `{"value", "low", "high"}`.
    """
    return f"[{','.join(map(_json, boards))}]\n"


def _json(board: Board) -> str:
    about = {
        "board": board.name,
        "title": board.title,
        "notes": notes(board),
        "scope": dict(board.scope),
        "columns": [{"name": column.name, "title": column.title.replace("\n", " ")} for column in board.columns],
    }
    fields = [f'"{name}": {json.dumps(value, ensure_ascii=False)}' for name, value in about.items()]
    rows = [json.dumps([_data(cell) for cell in row], ensure_ascii=False, allow_nan=False) for row in board.rows]
    lines = ",\n".join([*fields, '"rows": [\n' + ",\n".join(rows) + "\n]"])
    return f"{{\n{lines}\n}}"


def notes(board: Board) -> list[str]:
    """What stands below a board: its own note and those of its columns."""
    return [note for note in (board.note, *(column.note for column in board.columns)) if note]


def texts(board: Board, code: bool = False) -> list[list[str]]:
    """The cells of every row as a table shows them, a column's numbers with equally many decimals."""
    digits = [max(_digits(cells), column.digits) for cells, column in zip(_columns(board), board.columns, strict=True)]
    return [
        [_text(cell, column, places, code) for cell, column, places in zip(row, board.columns, digits, strict=True)]
        for row in board.rows
    ]


def highest(board: Board) -> list[set[int]]:
    """For every column the rows with its largest number; none unless the column `marks_highest`."""
    found = []
    for cells, column in zip(_columns(board), board.columns, strict=True):
        values = {i: value for i, cell in enumerate(cells) if (value := number(cell)) is not None}
        found.append({i for i in values if column.marks_highest and values[i] == max(values.values())})
    return found


def sides(board: Board) -> list[Literal["left", "right"]]:
    """The side at which each column's cells stand: words at the left, numbers at the right."""
    return ["left" if _are_words(cells) else "right" for cells in _columns(board)]


def _columns(board: Board) -> list[list[Value]]:
    return [[row[i] for row in board.rows] for i in range(len(board.columns))]


def _table(board: Board, titles: list[str], style: str, code: bool) -> str:
    found = texts(board, code)
    if code:
        for i, rows in enumerate(highest(board)):
            for row in rows:
                found[row][i] = f"**{found[row][i]}**"
    return tabulate(found, titles, style, disable_numparse=True, colalign=sides(board) if found else None)


def _unpadded(table: str) -> str:
    """A Markdown table without the spaces that align its source: a third of the bytes, and shown alike."""
    return re.sub(" {2,}", " ", table)


def _are_words(cells: Sequence[Value]) -> bool:
    known = [cell for cell in cells if cell is not None]
    only_text = known != [] and all(isinstance(cell, str | tuple) for cell in known)
    return only_text or any(isinstance(cell, Name) for cell in known)


def _digits(cells: Sequence[Value]) -> int:
    """Decimals for a column: three significant digits of its largest number."""
    largest = max((abs(value) for cell in cells if (value := number(cell)) is not None), default=0.0)
    return next((digits for limit, digits in ((100, 0), (10, 1), (1, 2)) if largest >= limit), 3)


def number(cell: Value) -> float | None:
    """The number in a cell, an estimate's without its interval; None for all else."""
    value = cell.value if isinstance(cell, Estimate) else cell
    return value if isinstance(value, (int, float)) else None


def _text(cell: Value, column: Column[Any], digits: int, code: bool) -> str:
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
            middle = _fixed(cell.value, digits)
            if column.shows != "interval":
                return middle
            if cell.low is None or cell.high is None:
                return f"{middle} [{ABSENT}]"
            return f"{middle} [{_fixed(cell.low, digits)}, {_fixed(cell.high, digits)}]"
        case str():
            return cell
        case tuple():
            return _joined(cell)
        case _:
            return f"{cell:.4g}" if column.shows == "count" else _fixed(cell, digits)


def _joined(raised: tuple[Raised, ...]) -> str:
    return "; ".join(map(str, raised))


def _fixed(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _fields(column: Column[Any], cells: Sequence[Value]) -> tuple[str, ...]:
    """What a column with these cells is called in a CSV: an interval and a rank are several columns."""
    if column.shows == "rank":
        return "rank_best", "rank_worst"
    if any(isinstance(cell, Estimate) for cell in cells):
        return column.name, f"{column.name}_low", f"{column.name}_high"
    return (column.name,)


def _plain_cells(cell: Value, fields: tuple[str, ...]) -> tuple[str, ...]:
    """The texts of a cell, as many as there are fields."""
    if isinstance(cell, Estimate):
        return _plain(cell.value), _plain(cell.low), _plain(cell.high)
    if isinstance(cell, Rank):
        return _plain(cell.best), _plain(cell.worst)
    if len(fields) > 1:
        return ("",) * len(fields)
    return (cell.text if isinstance(cell, Name) else _plain(cell),)


def _plain(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return _joined(value)
    # Six digits: more than the images support, and the same on machines whose sums differ in the last bit.
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _data(cell: Value) -> object:
    match cell:
        case Rank(best, worst):
            return {"best": best, "worst": worst}
        case Name(text, remark):
            return {"name": text, "remark": remark}
        case Estimate():
            return {"value": _data(cell.value), "low": _data(cell.low), "high": _data(cell.high)}
        case float():
            return float(_plain(cell))
        case tuple():
            return _joined(cell)
        case _:
            return cell

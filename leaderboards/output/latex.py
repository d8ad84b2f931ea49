"""Boards as LaTeX, for papers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..analysis.labels import Name
from ..boards.table import Board, Value
from .render import in_parts, sides, texts

LATEX = {
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\char34{}",
    "\n": " ",
    "∞": r"$\infty$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
}
"""Characters that LaTeX reserves or lacks, and how to write them."""


def to_latex(boards: Sequence[Board]) -> str:
    """One `table` per board for the package booktabs, several where it is wide, without the notes; text is escaped."""
    return "\n".join(_latex(part) for board in boards for part in in_parts(board.where("everywhere", "pages")))


def _latex(board: Board) -> str:
    titles = [_escaped(column.title.replace("`", "")) for column in board.columns]
    rows = [
        [_typeset(cell, text) for cell, text in zip(row, found, strict=True)]
        for row, found in zip(board.rows, texts(board), strict=True)
    ]
    lines = [rf"{' & '.join(row)} \\" for row in rows]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_escaped(board.title)}}}",
            rf"\begin{{tabular}}{{{''.join(side[0] for side in sides(board))}}}",
            r"\toprule",
            rf"{' & '.join(titles)} \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _typeset(cell: Value, text: str) -> str:
    if isinstance(cell, Name):
        return rf"\texttt{{{_escaped(cell.text)}}}" + (f" ({_escaped(cell.remark)})" if cell.remark else "")
    return _escaped(text)


def _escaped(text: str) -> str:
    found = "".join(LATEX.get(letter, letter) for letter in text)
    # After the end of a row, a bracket would begin the height of the gap and a star would forbid a page break.
    return re.sub(r"^[\[*]", r"{\g<0>}", found)

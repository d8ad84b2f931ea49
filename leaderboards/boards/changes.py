"""The board of a comparison: every score that has changed, what fails first."""

from __future__ import annotations

from typing import NamedTuple

from ..analysis.comparison import Compared, Comparison, Judged
from ..analysis.labels import Name
from ..analysis.verdicts import FAILING
from .table import Board, Column


class _Row(NamedTuple):
    cell: Compared
    moved: Judged | None

    @property
    def rank(self) -> int:
        if self.moved is None:
            return 0
        return 1 if self.moved.verdict in FAILING else 2


COLUMNS: tuple[Column[_Row], ...] = (
    Column("cell", "cell", lambda row: Name(row.cell.cell.title)),
    Column("images", "images", lambda row: f"{row.cell.cell.dataset.images} of {row.cell.cell.dataset.name}"),
    Column("key", "key", lambda row: Name(row.cell.key[:10])),
    Column("score", "score", lambda row: Name(row.moved.change.of) if row.moved else None),
    Column("before", "before", lambda row: row.moved.change.before if row.moved else None),
    Column("after", "after", lambda row: row.moved.change.after if row.moved else None),
    Column("change", "change [95 %]", lambda row: row.moved.change.by if row.moved else None, shows="interval"),
    Column("verdict", "verdict", lambda row: row.moved.verdict if row.moved else row.cell.found),
)


def change_board(comparison: Comparison) -> Board:
    """A row per changed score, and one per cell that cannot be compared or is made of something else."""
    rows = [
        _Row(cell, moved)
        for cell in comparison.cells
        for moved in (*([None] if cell.obstacle or (cell.failing and not _fails(cell)) else []), *cell.moved)
    ]
    note = f"{comparison.rule.said} Positive changes are falls of robustness; those of clean scores are relative."
    return Board.of("changes", comparison.summary, note, (), COLUMNS, sorted(rows, key=lambda row: row.rank))


def _fails(cell: Compared) -> bool:
    return any(one.verdict in FAILING for one in cell.moved)


def remarks(comparison: Comparison) -> list[str]:
    """What else differs, and what was left out: a line for each, with how many cells it is true of."""
    counts: dict[str, int] = {}
    for cell in comparison.cells:
        for text in (*(f"another {one}" for one in cell.contents), *cell.circumstances):
            counts[text] = counts.get(text, 0) + 1
    found = [f"also differs: {text} ({_cells(count)})" for text, count in counts.items()]
    reasons: dict[str, list[str]] = {}
    for one in comparison.left_out:
        reasons.setdefault(one.reason, []).append(f"{one.cell.title} ({one.key[:10]})")
    return found + [
        f"left out, {_cells(len(names))}: {reason}: {'; '.join(names)}" for reason, names in reasons.items()
    ]


def _cells(count: int) -> str:
    return f"{count} cell{'' if count == 1 else 's'}"

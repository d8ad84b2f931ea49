"""What tests of boards ask of them."""

from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.labels import Name


def row(board, name):
    """A row by the name in it, as a dictionary by column."""
    found = [r for r in board.rows if any(isinstance(cell, Name) and cell.text == name for cell in r)]
    assert len(found) == 1
    return {column.name: cell for column, cell in zip(board.columns, found[0], strict=True)}


def one(make, records):
    (board,) = make(group(records))
    return board

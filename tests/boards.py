"""What tests of boards ask of them."""

from mtrbench.leaderboards.board import Name
from mtrbench.leaderboards.groups import group


def row(board, name):
    """A row by the name in it, as a dictionary by column."""
    found = [r for r in board.rows if any(isinstance(cell, Name) and cell.text == name for cell in r)]
    assert len(found) == 1
    return {column.name: cell for column, cell in zip(board.columns, found[0], strict=True)}


def one(make, records):
    (board,) = make(group(records))
    return board

"""What tests of boards ask of them."""

from operator import itemgetter

from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.labels import Name
from mtrbench.leaderboards.boards.table import Board, Column


def row(board, name):
    """A row by the name in it, as a dictionary by column."""
    found = [r for r in board.rows if any(isinstance(cell, Name) and cell.text == name for cell in r)]
    assert len(found) == 1
    return {column.name: cell for column, cell in zip(board.columns, found[0], strict=True)}


def one(make, records):
    (board,) = make(group(records))
    return board


def table(headings, rows=(), **about):
    """A board of literal rows, whose columns have these (name, title) or names."""
    columns = [
        Column(*(heading if isinstance(heading, tuple) else (heading, heading)), itemgetter(place))
        for place, heading in enumerate(headings)
    ]
    about = {"name": "table", "title": "Table", "note": "", "scope": (), **about}
    return Board.of(**about, columns=columns, subjects=rows)

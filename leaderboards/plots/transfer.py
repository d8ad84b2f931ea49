"""The heat map of transfers: images made on one model, shown to the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ..analysis.group import Group
from ..boards.transfer import transfer_boards
from .heatmap import draw_cells, number_in, own_range, shades_of, text_of
from .style import Drawn, drawn


def transfer(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """ARD of every model (column) under images made on every model (row), one panel per attack."""
    boards = transfer_boards([group])
    if not boards:
        return None

    def draw(figure: Figure) -> None:
        panels = np.atleast_1d(figure.subplots(len(boards), 1))
        for i, (axes, board) in enumerate(zip(panels, boards, strict=True)):
            values = np.array([[number_in(cell) for cell in row[1:-1]] for row in board.rows])
            # A model that falls easily falls under everything: what is of interest is by which images.
            shades = np.stack([shades_of(column, own_range(column)) for column in values.T], axis=1)
            targets = [column.title.replace("`", "") for column in board.columns[1:-1]]
            draw_cells(axes, values, shades, [text_of(row[0]) for row in board.rows], targets)
            axes.set_title(f"{dict(board.scope)['attack']}, made on the model of the row")
            if i < len(boards) - 1:
                axes.set_xticks([])
        figure.supxlabel("model attacked, every one with its own colours; ARD (1 = 100 %)", fontsize=9.5)

    return drawn(draw, height=sum(0.7 + 0.32 * len(board.rows) for board in boards) + 1.4)

"""The heat map of attacked and victim tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ..analysis.group import Group
from ..analysis.trainings import training_label
from ..boards.victims import victim_boards
from .heatmap import draw_cells, number_in, scale, shades_of, text_of
from .style import Drawn, drawn


def attacked_victim(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """D_t of every victim task (column) under attacks on one task (rows), one panel per training."""
    boards = [board for part in group.parts for board in victim_boards([part])[:1]]
    if not boards:
        return None

    def draw(figure: Figure) -> None:
        panels = np.atleast_1d(figure.subplots(1, len(boards)))
        for i, (axes, board) in enumerate(zip(panels, boards, strict=True)):
            values = np.array([[number_in(cell) for cell in row[2:]] for row in board.rows])
            victims = [column.title for column in board.columns[2:]]
            shades = shades_of(values, scale(values))
            draw_cells(axes, values, shades, [text_of(row[1]) for row in board.rows], victims, len(boards))
            axes.set_title(training_label(str(dict(board.scope)["training"])).replace("against ", "against\n"))
            if i and board.column("attack") == boards[0].column("attack"):
                axes.set_yticks([])
        figure.supxlabel(
            "victim task; relative degradation (1 = 100 %), every panel with its own colours"
            if len(boards) > 1
            else "victim task; relative degradation (1 = 100 %)",
            fontsize=9.5,
        )

    return drawn(draw, height=1.2 + 0.4 * max(len(board.rows) for board in boards))

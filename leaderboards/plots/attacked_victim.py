"""The heat map of attacked and victim tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..analysis.group import Group
from ..analysis.trainings import training_label
from ..boards.victims import victim_boards
from .heatmap import colour_bar, draw_cells, number_in, text_of
from .style import Drawn


def attacked_victim(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """D_t of every victim task (column) under attacks on one task (rows), one panel per training."""
    boards = [board for part in group.parts for board in victim_boards([part])[:1]]
    if not boards:
        return None
    values = [np.array([[number_in(cell) for cell in row[2:]] for row in board.rows]) for board in boards]
    shares = [
        carried(panel, [text_of(row[0]) for row in board.rows], board.columns[2:])
        for panel, board in zip(values, boards, strict=True)
    ]

    def draw(figure: Figure) -> None:
        panels = np.atleast_1d(figure.subplots(1, len(boards), sharey=True))
        for axes, panel, board in zip(panels, values, boards, strict=True):
            victims = [column.title for column in board.columns[2:]]
            draw_cells(axes, panel, [f"on {text_of(row[0])}" for row in board.rows], victims, len(boards))
            axes.set_title(training_label(str(dict(board.scope)["training"])).replace("against ", "against\n"))
        low, high = f"{min(shares):.0%}", f"{max(shares):.0%}"
        between = low if low == high else f"{low} to {high}"
        figure.suptitle(f"An attack on one task does {between} of that damage to the others", fontsize=10.5)
        colour_bar(figure, panels, "D (1 = 100 %)")
        figure.supxlabel("victim task", fontsize=9.5)

    return Drawn(draw, height=1.8 + 0.42 * max(len(board.rows) for board in boards))


def carried(values: NDArray[np.float64], attacked: Sequence[str], victims: Sequence[object]) -> float:
    """The mean damage to the tasks that were not attacked over that to the ones that were."""
    names = [getattr(column, "name", "").removeprefix("d_") for column in victims]
    own = np.array([[task == victim for victim in names] for task in attacked])
    return float(np.nanmean(values[~own]) / np.nanmean(values[own]))

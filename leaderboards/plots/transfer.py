"""The heat map of transfers: images made on one model, shown to the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..analysis.group import Group
from ..boards.transfer import transfer_boards
from .heatmap import colour_bar, draw_cells, number_in, text_of
from .style import Drawn


def transfer(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """ARD of every model (column) under images made on every model (row), one panel per attack."""
    boards = transfer_boards([group])
    if not boards:
        return None
    values = [np.array([[number_in(cell) for cell in row[1:-1]] for row in board.rows]) for board in boards]
    targets = [[column.title.replace("`", "") for column in board.columns[1:-1]] for board in boards]
    sources = [[text_of(row[0]) for row in board.rows] for board in boards]
    shares = [kept(*of) for of in zip(values, sources, targets, strict=True)]

    def draw(figure: Figure) -> None:
        panels = np.atleast_1d(figure.subplots(len(boards), 1, sharex=True))
        for i, (axes, board) in enumerate(zip(panels, boards, strict=True)):
            draw_cells(axes, values[i], sources[i], targets[i])
            attack = str(dict(board.scope)["attack"])
            said = "" if np.isnan(shares[i]) else f": {shares[i]:.0%} is left on other models"
            axes.set_title(f"{group.in_words(attack)}{said}")
            axes.set_ylabel("made on")
        colour_bar(figure, panels, "ARD (1 = 100 %)")
        figure.supxlabel("shown to", fontsize=9.5)

    return Drawn(draw, height=sum(0.7 + 0.32 * len(board.rows) for board in boards) + 1.4)


def kept(values: NDArray[np.float64], sources: Sequence[str], targets: Sequence[str]) -> float:
    """The mean over targets of what others' images do to one, over what its own do; NaN if nothing is known."""
    own = np.array([[source == target for target in targets] for source in sources])
    by_own = np.nansum(np.where(own, values, 0.0), axis=0)
    others = np.where(own, np.nan, values)
    known = np.isfinite(others).any(axis=0) & (by_own > 0)
    return float(np.mean(np.nanmean(others[:, known], axis=0) / by_own[known])) if known.any() else np.nan

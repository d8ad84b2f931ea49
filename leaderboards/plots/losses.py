"""The heat maps of balancings by sets of losses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ...benchmark.protocol.facts import TRAIN
from ..analysis.group import Group
from ..boards.losses import losses_boards
from .heatmap import draw_cells, number_in, own_range, shades_of, strongest_first, text_of
from .style import Drawn, drawn

FEWEST = 3
"""Fewest sets of losses that make a picture."""


def balancings_losses(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """ARD of every balancing (row) with every set of losses (column), one panel per model; None for a few sets."""
    boards = losses_boards([group])
    if len({losses for board in boards for losses in board.column("losses")}) < FEWEST:
        return None
    names = sorted({text_of(name) for board in boards for name in board.column("attack")})
    sets = sorted({str(part) for board in boards for part in board.column("losses")}, key=lambda s: (s != TRAIN, s))
    values = np.full((len(boards), len(names), len(sets)), np.nan)
    for panel, board in zip(values, boards, strict=True):
        for name, losses, score in zip(*map(board.column, ("attack", "losses", "ard")), strict=True):
            panel[names.index(text_of(name)), sets.index(str(losses))] = number_in(score)
    beside = np.concatenate(list(values), axis=1)
    # Where some sets were run with few balancings, the others say who is the strongest.
    common = np.isfinite(beside).all(axis=0)
    order = strongest_first(beside[:, common] if common.any() else beside)
    across = min(2, len(boards))
    down = -(-len(boards) // across)

    def draw(figure: Figure) -> None:
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for i, axes in enumerate(panels):
            if i >= len(boards):
                axes.set_axis_off()
                continue
            shown = values[i][order]
            draw_cells(axes, shown, shades_of(shown, own_range(shown)), [names[j] for j in order], sets, across)
            axes.set_title(dict(boards[i].scope)["model"])
            axes.tick_params(labelleft=i % across == 0, labelbottom=i + across >= len(boards))
        figure.supxlabel(
            "losses ascended; ARD (1 = 100 %), every panel with its own colours; grey is unknown",
            fontsize=9.5,
        )

    return drawn(draw, height=1.1 + down * (0.35 + 0.28 * len(names)))

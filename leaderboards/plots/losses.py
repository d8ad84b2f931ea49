"""The heat map of balancings by sets of losses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...benchmark.protocol.facts import TRAIN
from ..analysis.group import Group
from ..boards.losses import losses_boards
from .heatmap import ROWS, colour_bar, draw_cells, number_in, strongest_first, text_of
from .style import Drawn

FEWEST = 3
"""Fewest sets of losses that make a row."""


def balancings_losses(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """ARD of balancings on every model (rows) with every set of losses (columns); None if none has several sets."""
    boards = losses_boards([group])
    sets = sorted({str(part) for board in boards for part in board.column("losses")}, key=lambda s: (s != TRAIN, s))
    names = sorted({text_of(name) for board in boards for name in board.column("attack")})
    values = np.full((len(boards), len(names), len(sets)), np.nan)
    for panel, board in zip(values, boards, strict=True):
        for name, losses, score in zip(*map(board.column, ("attack", "losses", "ard")), strict=True):
            panel[names.index(text_of(name)), sets.index(str(losses))] = number_in(score)
    several = [i for i in range(len(names)) if np.isfinite(values[:, i]).sum(axis=1).min(initial=len(sets)) >= FEWEST]
    if not boards or not several:
        return None
    known = values[:, several]
    order = strongest_first(np.concatenate(list(known), axis=1))[: max(1, ROWS // len(boards))]
    shown = known[:, order].reshape(-1, len(sets))
    balancings = [names[several[i]] for i in order]
    words = [group.in_words(name) for name in balancings]
    rows = [f"{said} · {dict(board.scope)['model']}" for board in boards for said in words]
    best, count = most_damaging_losses(shown, sets)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        draw_cells(axes, shown, rows, sets)
        said = f"Losses to ascend: {best} does the most damage in {count} of {len(rows)} rows"
        figure.suptitle(said, fontsize=10.5)
        colour_bar(figure, [axes], "ARD (1 = 100 %)")

    return Drawn(draw, height=1.5 + 0.28 * len(rows))


def most_damaging_losses(rows: NDArray[np.float64], sets: Sequence[str]) -> tuple[str, int]:
    """The set of losses (column) that is most often the most damaging, and in how many rows."""
    ((best, count),) = Counter(sets[int(i)] for i in np.nanargmax(rows, axis=1)).most_common(1)
    return best, count

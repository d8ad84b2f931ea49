"""The heat map of every attack on every model."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..analysis.group import Group
from ..boards.models_attacks import models_attacks_boards
from .conditions import has_several_attacks
from .heatmap import CROWD, draw_cells, number_in, own_range, shades_of, strongest_first, text_of
from .style import Drawn, drawn

STRONGEST = 30
"""Most attacks that a picture in a README can show."""


def attacks_models(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """ARD of attacks (rows) on every model (column), the strongest attack first; None for a few attacks.

    Many models are rows instead. Of many attacks the strongest and the controls are shown. Every model has its own
    colours, which run over the attacks that are no controls.
    """
    if not has_several_attacks(group):
        return None
    (board,) = models_attacks_boards([group])
    names = [text_of(row[0]) for row in board.rows]
    controls = {name for name in names if group.is_control(name)}
    values = np.array([[number_in(cell) for cell in row[1:]] for row in board.rows])
    order = shown_rows(names, values, controls)
    attacked = [i for i in order if names[i] not in controls]
    count = len(names) - len(controls)
    attacks = [names[i] for i in order]
    models = [column.title.replace("`", "") for column in board.columns[1:]]
    which = "every attack" if len(attacked) == count else f"the {STRONGEST} strongest of {count} attacks"
    shades = np.stack([shades_of(column[order], own_range(column[attacked])) for column in values.T], axis=1)

    # Names of many models stand one above the other.
    turned = len(models) > CROWD
    shown, rows, columns = values[order], attacks, models
    if turned:
        shown, shades, rows, columns = shown.T, shades.swapaxes(0, 1), models, attacks

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        draw_cells(axes, shown, shades, rows, columns)
        title = f"Average relative degradation (1 = 100 %)\nunder {which} and the controls"
        axes.set_title(title if len(order) > len(attacked) else title.removesuffix(" and the controls"))
        figure.supxlabel("every model with its own colours", fontsize=9.5)

    return drawn(draw, height=1.0 + 0.28 * len(rows) + 0.05 * max(map(len, columns)))


def shown_rows(names: Sequence[str], values: NDArray[np.float64], controls: Collection[str]) -> list[int]:
    """The rows of the strongest attacks and of every control, the strongest first."""
    ranked = strongest_first(values)
    attacked = [i for i in ranked if names[i] not in controls]
    dropped = set(attacked[STRONGEST:])
    return [i for i in ranked if i not in dropped]

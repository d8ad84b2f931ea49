"""The heat map of every attack on every model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..analysis.families import families
from ..analysis.group import Group
from ..boards.models_attacks import models_attacks_boards
from .conditions import has_several_attacks
from .heatmap import CROWD, ROWS, clipped, colour_bar, draw_cells, number_in, strongest_first, text_of
from .style import Drawn


def attacks_models(group: Group, groups: Sequence[Group]) -> Drawn | None:
    """ARD of attacks (rows) on models (columns), the strongest attack first; None for a few attacks.

    Of many attacks the strongest and the controls are shown; of many models the two ends of sharing, once per training.
    """
    if not has_several_attacks(group):
        return None
    (board,) = models_attacks_boards([group])
    names = [text_of(row[0]) for row in board.rows]
    controls = {name for name in names if group.is_control(name)}
    shown = shown_models(group)
    places = [1 + group.models.index(model) for model in shown]
    values = np.array([[number_in(row[place]) for place in places] for row in board.rows])
    order = shown_rows(names, values, controls)
    best, count = most_damaging(names, values, controls)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        draw_cells(axes, values[order], [group.in_words(names[i]) for i in order], shown)
        of = f"{len(order)} of {len(names)} attacks; " if len(order) < len(names) else ""
        ends = "the two ends of sharing; " if len(shown) < len(group.models) else ""
        figure.suptitle(
            f"{clipped(group.in_words(best))}: the most damage on {count} of {len(shown)} models", fontsize=10.5
        )
        colour_bar(figure, [axes], "ARD (1 = 100 %)")
        figure.supxlabel(f"{of}{ends}{group.title}", fontsize=9)

    return Drawn(draw, height=1.9 + 0.27 * len(order) + 0.05 * max(map(len, shown)))


def shown_models(group: Group) -> list[str]:
    """All models where these are few, else the first fully shared and the first independent one of every family."""
    if len(group.models) <= CROWD:
        return [*group.models]
    ends = [model for family in families(group) for end in (family.shared, family.independent) for model in end[:1]]
    return ends[:CROWD] or [*group.models[:CROWD]]


def most_damaging(names: Sequence[str], values: NDArray[np.float64], controls: Collection[str]) -> tuple[str, int]:
    """The attack that does the most damage to the most models, and to how many."""
    ranked = [i for i, name in enumerate(names) if name not in controls]
    known = np.where(np.isfinite(values[ranked]), values[ranked], -np.inf)
    ((best, count),) = Counter(names[ranked[int(i)]] for i in known.argmax(axis=0)).most_common(1)
    return best, count


def shown_rows(names: Sequence[str], values: NDArray[np.float64], controls: Collection[str]) -> list[int]:
    """The rows of the strongest attacks and of every control, the strongest first."""
    ranked = strongest_first(values)
    attacked = [i for i in ranked if names[i] not in controls]
    dropped = set(attacked[ROWS - len(controls) :])
    return [i for i in ranked if i not in dropped]

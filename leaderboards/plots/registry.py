"""Every plot: one file, and one line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..analysis.group import Group
from .attacked_victim import attacked_victim
from .attacks_models import attacks_models
from .losses import balancings_losses
from .pareto import pareto
from .protection import protection
from .style import Drawn
from .sweep import budgets, steps
from .tradeoff import tradeoff
from .transfer import transfer


@dataclass(frozen=True)
class Plot:
    """A picture of a group of records; `name` is that of its file, `about` says what it shows.

    `draw` is called with a group and all groups that are published with it, and returns None where there is nothing to
    show; what several groups make together is a picture of the one with the most records.
    """

    name: str
    about: str
    draw: Callable[[Group, Sequence[Group]], Drawn | None]


TRADEOFF = Plot("tradeoff", "Clean gain and degradation under attack against the sharing index", tradeoff)

PLOTS: tuple[Plot, ...] = (
    TRADEOFF,
    Plot(
        "heatmap-attacks-models",
        "Heat map of the averaged relative degradation of every attack on every model",
        attacks_models,
    ),
    Plot(
        "heatmap-attacked-victim",
        "Heat map of the degradation of every task under attacks on one task",
        attacked_victim,
    ),
    Plot(
        "heatmap-balancings-losses",
        "Heat maps of the averaged relative degradation by balancing and set of losses",
        balancings_losses,
    ),
    Plot(
        "heatmap-transfer",
        "Heat maps of the averaged relative degradation of every model under images made on every other",
        transfer,
    ),
    Plot("budgets", "Averaged relative degradation over the budget, by training and attack", budgets),
    Plot("steps", "Averaged relative degradation over the steps, by training and attack", steps),
    Plot(
        "pareto",
        "Averaged relative degradation against clean gain, and the models that no other beats in both",
        pareto,
    ),
    Plot("protection", "Damage to the other tasks against damage to the protected one, over tau", protection),
)
"""In the order in which pages show them."""

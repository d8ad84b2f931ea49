"""All pictures of a group by file name."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.attack_kinds import is_control
from ..analysis.groups import Group, headline
from ..analysis.protection import curves
from ..analysis.sharing import shown_families
from ..analysis.sweeps import budget_sweeps, relatives, step_sweeps
from ..boards.losses import losses_boards
from ..boards.models import model_attack_boards
from ..boards.transfer import transfer_boards
from ..boards.victims import victim_boards
from .heatmaps import attack_model_map, losses_map, transfer_map, victim_map
from .pareto import candidates, pareto
from .protection import protection_plot
from .sweep import sweep_plot
from .tradeoff import tradeoff

TRADEOFF, ATTACKS_MODELS, ATTACKED_VICTIM = "tradeoff", "heatmap-attacks-models", "heatmap-attacked-victim"
BALANCINGS_LOSSES, PROTECTION = "heatmap-balancings-losses", "protection"
BUDGETS, STEPS, PARETO, TRANSFER = "budgets", "steps", "pareto", "heatmap-transfer"
FEWEST = 3
"""Attacks, or sets of losses, that make a picture; of a group with fewer, a sweep over budgets shows them."""


def pictures(group: Group, groups: Sequence[Group]) -> dict[str, dict[str, bytes]]:
    """The content of every picture of a group by its name and then by its format, `svg` or `png`.

    What several of all `groups` make together is a picture of the one with the most records.
    """
    found = {}
    several = sum(not is_control(attack) for attack in group.attacks) >= FEWEST
    largest = group is headline(groups)
    if several:
        found[ATTACKS_MODELS] = attack_model_map(model_attack_boards([group])[0])
    if shown_families(group) and (several or largest):
        found[TRADEOFF] = tradeoff(group)
    boards = [board for part in group.parts for board in victim_boards([part])[:1]]
    if boards:
        found[ATTACKED_VICTIM] = victim_map(boards)
    losses = losses_boards([group])
    if len({cell for board in losses for cell in board.column("losses")}) >= FEWEST:
        found[BALANCINGS_LOSSES] = losses_map(losses)
    protected = curves(group)
    if any(curve.unprotected for curve in protected):
        found[PROTECTION] = protection_plot(protected)
    family = relatives(group, groups)
    budgets = budget_sweeps(family) if group is headline(family) else []
    steps = step_sweeps(group)
    if budgets:
        found[BUDGETS] = sweep_plot(budgets, "budget, eps (1/255)")
    if steps:
        found[STEPS] = sweep_plot(steps, "steps")
    transfers = transfer_boards([group])
    if transfers:
        found[TRANSFER] = transfer_map(transfers)
    if len(candidates(group)) > 1 and (several or largest):
        found[PARETO] = pareto(group)
    return found

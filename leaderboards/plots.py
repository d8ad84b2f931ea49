"""All pictures of a group by file name."""

from __future__ import annotations

from .groups import ADVERSARIAL, CLEAN, Group
from .heatmaps import attack_model_map, losses_map, victim_map
from .losses_board import losses_boards
from .model_board import model_attack_boards
from .protection import curves
from .protection_plot import protection_plot
from .tradeoff import points, tradeoff
from .victim_board import victim_boards

TRADEOFF, ATTACKS_MODELS, ATTACKED_VICTIM = "tradeoff", "heatmap-attacks-models", "heatmap-attacked-victim"
BALANCINGS_LOSSES, PROTECTION = "heatmap-balancings-losses", "protection"


def pictures(group: Group) -> dict[str, dict[str, bytes]]:
    """The content of every picture by its name and then by its format, `svg` or `png`."""
    found = {ATTACKS_MODELS: attack_model_map(model_attack_boards([group])[0])}
    if points(group):
        found[TRADEOFF] = tradeoff(group)
    parts = [part for training in (CLEAN, ADVERSARIAL) if (part := group.trained(training))]
    boards = [board for part in parts for board in victim_boards([part])[:1]]
    if boards:
        found[ATTACKED_VICTIM] = victim_map(boards)
    losses = losses_boards([group])
    if losses:
        found[BALANCINGS_LOSSES] = losses_map(losses)
    protected = curves(group)
    if any(curve.unprotected for curve in protected):
        found[PROTECTION] = protection_plot(protected)
    return found

"""All pictures of a group by file name."""

from __future__ import annotations

from .groups import ADVERSARIAL, CLEAN, Group
from .heatmaps import attack_model_map, victim_map
from .model_board import model_attack_boards
from .tradeoff import points, tradeoff
from .victim_board import victim_boards

TRADEOFF, ATTACKS_MODELS, ATTACKED_VICTIM = "tradeoff", "heatmap-attacks-models", "heatmap-attacked-victim"


def pictures(group: Group) -> dict[str, dict[str, bytes]]:
    """The content of every picture by its name and then by its format, `svg` or `png`."""
    found = {ATTACKS_MODELS: attack_model_map(model_attack_boards([group])[0])}
    if points(group):
        found[TRADEOFF] = tradeoff(group)
    parts = [part for training in (CLEAN, ADVERSARIAL) if (part := group.trained(training))]
    boards = [board for part in parts for board in victim_boards([part])[:1]]
    if boards:
        found[ATTACKED_VICTIM] = victim_map(boards)
    return found

"""Every kind of board but those of single metrics, by the file that it goes into."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from ..analysis.group import Group
from .attacks import attack_boards
from .clean import clean_boards
from .costs import cost_boards
from .half_lost import half_lost_boards
from .losses import losses_boards
from .models import model_boards
from .models_attacks import models_attacks_boards
from .protection import protection_boards
from .sharing import sharing_boards
from .table import Board
from .transfer import transfer_boards
from .victims import victim_boards

KINDS: Mapping[str, tuple[str, Callable[[Sequence[Group]], list[Board]]]] = MappingProxyType(
    {
        "attacks": ("Attacks: how much damage does each do?", attack_boards),
        "models": ("Models: what is left under the worst attack?", model_boards),
        "half-lost": ("Budgets: at which does a model lose half?", half_lost_boards),
        "losses": ("Balancing x losses: what is worth ascending?", losses_boards),
        "protection": ("Protected tasks: what does sparing one cost?", protection_boards),
        "sharing": ("Sharing: does it help or hurt?", sharing_boards),
        "transfer": ("Transfer: does what fools one model fool the others?", transfer_boards),
        "costs": ("Costs: what to run for how many backward passes?", cost_boards),
        "attacked-victim": ("Attacked task x victim task: how far does an attack on one task carry?", victim_boards),
        "models-attacks": ("Every attack on every model", models_attacks_boards),
        "clean": ("Clean scores", clean_boards),
    }
)
"""The title of a file and what makes its boards, by the file's name."""


def all_boards(groups: Sequence[Group]) -> dict[str, tuple[str, list[Board]]]:
    """The title and the boards of every file, by its name; files without any are left out."""
    for group in groups:  # one after the other: what these boards are made of takes most of the memory
        for make in (attack_boards, model_boards, sharing_boards):
            make([group])
        group.forget()
    found = {name: (title, make(groups)) for name, (title, make) in KINDS.items()}
    return {name: (title, boards) for name, (title, boards) in found.items() if boards}

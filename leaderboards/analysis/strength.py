"""How strong attacks are over the models of a group."""

from __future__ import annotations

from ...benchmark.stats import Bootstrapped, mean
from .group import Group


def attack_ards(group: Group) -> dict[str, Bootstrapped]:
    """ARD by attack, the mean over the group's models, for the attacks that are complete on all of them."""
    found = {}
    for attack in group.attacks:
        scores = [score for model in group.models if (score := group.ard(model, attack))]
        if len(scores) == len(group.models):
            found[attack] = mean(scores)
    return found

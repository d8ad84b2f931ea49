"""How strong attacks are over the models that can be compared."""

from __future__ import annotations

from ...benchmark.stats import Bootstrapped, mean
from .group import Group


def attack_ards(group: Group) -> dict[str, Bootstrapped]:
    """ARD by attack, the mean over the models of the group's core, for attacks that are complete on all of them."""
    found = {}
    for attack in group.attacks:
        scores = [score for model in group.core.models if (score := group.ard(model, attack))]
        if scores and len(scores) == len(group.core.models):
            found[attack] = mean(scores)
    return found

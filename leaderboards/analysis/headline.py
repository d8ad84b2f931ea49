"""What models are ranked by, and the attack that stands for all where there is room for one."""

from __future__ import annotations

from ...benchmark.stats import Bootstrapped
from .attack_kinds import is_control
from .families import families
from .groups import Group
from .scores import highest

STANDARD = "auto"
"""The attack by which models are ranked where it was run; elsewhere it is the worst case over all attacks."""

HEADLINES = (STANDARD, "dgba-pgd")


def worst_cases(group: Group) -> dict[str, tuple[str, Bootstrapped]]:
    """The most damaging attack of every model and the ARD of the worst case.

    Only for models with a complete record of every attack of the group but controls: the worst of fewer attacks would
    flatter a model.
    """
    found = {}
    attacks = [attack for attack in group.attacks if not is_control(attack)]
    for model in group.models:
        scores = {attack: score for attack in attacks if (score := group.ard(model, attack))}
        if attacks and len(scores) == len(attacks):
            worst = max(scores, key=lambda attack: scores[attack].value)
            found[model] = worst, highest(list(scores.values()))
    return found


def ranked_scores(group: Group) -> dict[str, Bootstrapped]:
    """What the models are ranked by, for those that have it."""
    if STANDARD not in group.attacks:
        return {model: score for model, (_, score) in worst_cases(group).items()}
    return {model: score for model in group.models if (score := group.ard(model, STANDARD))}


def headline_attack(group: Group) -> str:
    """The attack whose damage is shown: the standard evaluation, or the first that every model of a family has."""
    models = [model for family in families(group) for model in family.models]
    attacks = [*HEADLINES, *(attack for attack in group.attacks if not is_control(attack))]
    return next((a for a in attacks if all(group.complete(model, a) for model in models)), HEADLINES[-1])

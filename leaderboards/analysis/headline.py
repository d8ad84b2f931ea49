"""What models are ranked by, and the attack that stands for all where there is room for one."""

from __future__ import annotations

from ...benchmark.protocol.facts import AttackFacts
from ...benchmark.stats import Bootstrapped
from .group import Group
from .scores import highest

STUDY = AttackFacts(kind="product", balancing="dgba", optimizer="pgd")
"""The attack of the study that all of this began with (arXiv 2305.12066): `dgba-pgd`."""


def ranking_attacks(group: Group) -> tuple[str, ...]:
    """The attacks that models are ranked by: those evaluated on more than half of them, no controls.

    An attack that is new on a few models un-ranks none of the others, and a model that is new on a few attacks lowers
    the bar for none.
    """
    return tuple(
        attack
        for attack in group.attacked
        if 2 * sum((model, attack) in group.records for model in group.models) > len(group.models)
    )


def standard_of(group: Group) -> str | None:
    """The standard evaluation, if models are ranked by it."""
    return next((attack for attack in ranking_attacks(group) if group.attack_facts(attack).standard), None)


def worst_cases(group: Group) -> dict[str, tuple[str, Bootstrapped]]:
    """The most damaging attack of every model and the ARD of the worst case, over `ranking_attacks`.

    Only for models with a complete record of each of them: the worst of fewer attacks would flatter a model.
    """
    found = {}
    attacks = ranking_attacks(group)
    for model in group.models:
        scores = {attack: score for attack in attacks if (score := group.ard(model, attack))}
        if attacks and len(scores) == len(attacks):
            worst = max(scores, key=lambda attack: scores[attack].value)
            found[model] = worst, highest(list(scores.values()))
    return found


def ranked_scores(group: Group) -> dict[str, Bootstrapped]:
    """What the models are ranked by, for those that have it."""
    standard = standard_of(group)
    if standard is None:
        return {model: score for model, (_, score) in worst_cases(group).items()}
    return {model: score for model in group.models if (score := group.ard(model, standard))}


def headline_attack(group: Group) -> str | None:
    """The attack whose damage is shown where there is room for one, of those that models are ranked by.

    The standard evaluation, or else the study's own, or else the first by name; None if there is none at all.
    """

    def place(attack: str) -> tuple[bool, bool, str]:
        facts = group.attack_facts(attack)
        return not facts.standard, facts != STUDY, attack

    return min(ranking_attacks(group), key=place, default=None)

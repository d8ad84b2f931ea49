"""What models are ranked by, and the attack that stands for all where there is room for one."""

from __future__ import annotations

from dataclasses import dataclass

from ...benchmark.protocol.facts import AttackFacts
from ...benchmark.stats import Bootstrapped
from .group import Group
from .scores import highest, ratio

STUDY = AttackFacts(kind="product", balancing="dgba", optimizer="pgd")
"""`dgba-pgd`, the attack of the study that the benchmark began with (arXiv 2305.12066)."""


def standard_of(group: Group) -> str | None:
    """The standard evaluation, if it was run on more than half of the models of the group's core."""
    models = group.core.models
    for attack in group.attacked:
        if group.attack_facts(attack).standard and 2 * sum((m, attack) in group.records for m in models) > len(models):
            return attack
    return None


def breaking(group: Group, model: str) -> list[str]:
    """The attacks under which a score of the model is undefined: what does more harm than any number says."""
    return [
        attack
        for attack in group.attacked
        if (model, attack) in group.records and group.complete(model, attack) is None
    ]


@dataclass(frozen=True)
class Worst:
    """The most damaging attack on a model, and the largest ARD of any, resample by resample."""

    attack: str
    score: Bootstrapped


@dataclass(frozen=True)
class BestKnown:
    """The attack of the highest ARD on a model that any record of it has, and the standard evaluation's share of it."""

    attack: str
    score: Bootstrapped
    share: Bootstrapped | None


def best_known(group: Group, model: str) -> BestKnown | None:
    """The strongest of all records of a model, whichever attacks the others have; None if one breaks it."""
    scores = {attack: score for attack in group.attacked if (score := group.ard(model, attack))}
    if not scores or breaking(group, model):
        return None
    attack = max(scores, key=lambda name: scores[name].value)
    standard = scores.get(standard_of(group) or "")
    share = ratio(standard, scores[attack]) if standard and scores[attack].value > 0 else None
    return BestKnown(attack, scores[attack], share)


def worst_cases(group: Group) -> dict[str, Worst]:
    """The worst case of every model over the attacks of the group's core.

    Only for models with a complete record of each of them, and no attack beside them that breaks it: the worst of fewer
    attacks would flatter a model.
    """
    found = {}
    attacks = group.core.attacks
    for model in group.models:
        scores = {attack: score for attack in attacks if (score := group.ard(model, attack))}
        if attacks and len(scores) == len(attacks) and not breaking(group, model):
            worst = max(scores, key=lambda attack: scores[attack].value)
            found[model] = Worst(worst, highest([*scores.values()]))
    return found


def ranked_scores(group: Group) -> dict[str, Bootstrapped]:
    """What the models are ranked by, for those that have it, and that no attack breaks."""
    standard = standard_of(group)
    if standard is None:
        return {model: worst.score for model, worst in worst_cases(group).items()}
    return {
        model: score for model in group.models if (score := group.ard(model, standard)) and not breaking(group, model)
    }


def headline_attack(group: Group) -> str | None:
    """The attack whose damage is shown where there is room for one.

    The standard evaluation, or else the study's own, or else the first by name; None if there is none at all.
    """

    def place(attack: str) -> tuple[bool, str]:
        return group.attack_facts(attack) != STUDY, attack

    standard = standard_of(group)
    return standard or min(group.core.attacks, key=place, default=None)

"""What protecting a task costs: DGBA's damage to it and to the others, by how much its loss may move."""

from __future__ import annotations

from dataclasses import dataclass

from ...benchmark.stats import Bootstrapped, mean
from .group import Group
from .labels import details, labels
from .scores import task_scores

UNPROTECTED = "dgba"
"""The balancing that sparing a task is measured against."""


@dataclass(frozen=True)
class Spared:
    """What `attack` does to the protected task, and the mean over all others; `tau` None is DGBA without protection."""

    attack: str
    tau: float | None
    protected: Bootstrapped
    others: Bootstrapped


@dataclass(frozen=True)
class Curve:
    """What `attack` does to a model, by rising tau; `unprotected` is None where its record is missing."""

    model: str
    attack: str
    task: str
    points: tuple[Spared, ...]
    unprotected: Spared | None


def curves(group: Group) -> list[Curve]:
    """A curve per attack and model with complete records of several tau, which differ in nothing else."""
    records = {pair: record for pair, record in group.records.items() if record.attack_facts.spares}
    # Attacks of a label share everything but tau, so that a curve cannot mix numbers of steps.
    names = labels(list(records.values()), lambda r: r.attack.name, lambda r: {**details(r), "tau": None})
    found: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for (model, attack), record in records.items():
        if group.complete(model, attack):
            tau = record.attack.settings.get("tau")
            if isinstance(tau, (int, float)):
                found.setdefault((names[record.key], model), []).append((float(tau), attack))
    tasks = {names[of.key]: of.attack_facts.task or "" for of in records.values()}
    order = sorted(
        found, key=lambda pair: (group.setting.tasks.index(tasks[pair[0]]), pair[0], group.models.index(pair[1]))
    )
    return [
        _curve(group, model, name, tasks[name], sorted(found[name, model]))
        for name, model in order
        if len(found[name, model]) > 1
    ]


def _curve(group: Group, model: str, name: str, task: str, taus: list[tuple[float, str]]) -> Curve:
    def spared(tau: float | None, attack: str) -> Spared:
        record = group.records[model, attack]
        own, *others = task_scores([(record, t) for t in sorted(group.setting.tasks, key=lambda t: t != task)])
        return Spared(attack, tau, own, mean(others))

    plain = group.unprotected(model, taus[0][1], UNPROTECTED)
    return Curve(
        model,
        name,
        task,
        tuple(spared(tau, attack) for tau, attack in taus),
        spared(None, plain) if plain else None,
    )

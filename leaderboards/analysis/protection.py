"""What protecting a task costs: DGBA's damage to it and to the others, by how much its loss may move."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...benchmark.protocol.records import Record
from ...benchmark.stats import Bootstrapped, mean
from .groups import Group, details
from .labels import labels
from .scores import task_scores

PROTECTED = r"dgba-protected:([^-]+)-pgd"
UNPROTECTED = "dgba-pgd"


@dataclass(frozen=True)
class Spared:
    """Damage to the protected task and the mean of that to all others; `tau` None is DGBA without protection."""

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
    records = {pair: record for pair, record in group.records.items() if re.fullmatch(PROTECTED, record.attack.name)}
    # Attacks of a label share everything but tau, so that a curve cannot mix numbers of steps.
    names = labels(list(records.values()), lambda r: r.attack.name, lambda r: {**details(r), "tau": None})
    found: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for (model, attack), record in records.items():
        if group.complete(model, attack):
            tau = record.attack.settings.get("tau")
            if isinstance(tau, (int, float)):
                found.setdefault((names[record.key], model), []).append((float(tau), attack))
    order = sorted(
        found, key=lambda pair: (group.setting.tasks.index(_task(pair[0])), pair[0], group.models.index(pair[1]))
    )
    return [
        _curve(group, model, name, sorted(found[name, model])) for name, model in order if len(found[name, model]) > 1
    ]


def _curve(group: Group, model: str, name: str, taus: list[tuple[float, str]]) -> Curve:
    task = _task(name)

    def spared(tau: float | None, record: Record) -> Spared:
        own, *others = task_scores([(record, t) for t in sorted(group.setting.tasks, key=lambda t: t != task)])
        return Spared(tau, own, mean(others))

    unprotected = group.counterpart(model, taus[0][1], UNPROTECTED)
    return Curve(
        model,
        name,
        task,
        tuple(spared(tau, group.records[model, attack]) for tau, attack in taus),
        spared(None, group.records[model, unprotected]) if unprotected else None,
    )


def _task(name: str) -> str:
    return name.removeprefix("dgba-protected:").partition("-")[0]

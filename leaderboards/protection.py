"""What protecting a task costs: DGBA's damage to it and to the others, by how much its loss may move."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..benchmark.protocol.records import Record
from ..benchmark.stats import Bootstrapped, mean
from .board import Board, Column, Name
from .groups import Group, details
from .labels import labels
from .notes import common_notes
from .scores import ratio, task_scores

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


def protection_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group that has such curves."""
    return [_board(group, found) for group in groups if (found := curves(group))]


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


def _board(group: Group, found: list[Curve]) -> Board:
    rows = []
    for curve in found:
        whole = curve.unprotected
        for point in (*curve.points, *([whole] if whole else [])):
            shares = (
                (ratio(point.protected, whole.protected).estimate(), ratio(point.others, whole.others).estimate())
                if whole
                else (None, None)
            )
            attack = Name(curve.attack if point.tau is not None else UNPROTECTED)
            rows.append((Name(curve.model), curve.task, attack, point.tau, point.protected.estimate(), *shares))
    columns = (
        Column("model", "model"),
        Column("protected_task", "protected"),
        Column("attack", "attack"),
        Column("tau", "tau", "count"),
        Column("d_protected", "D of the protected task [95 %]", "interval", digits=3),
        Column("share_protected", "its share of dgba's", "interval", digits=3),
        Column("share_others", "the others' share", "interval", digits=3),
    )
    about = (
        f"Shares are of what `{UNPROTECTED}` with the same settings does: to the protected task, and to the others on "
        "average."
    )
    note = " ".join([about, *common_notes(group)])
    return Board("protection", f"Protected tasks: {group.title}", note, group.setting.scope, columns, tuple(rows))

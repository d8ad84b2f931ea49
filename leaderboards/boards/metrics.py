"""One board per task and metric: every model's value without and with every attack."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...benchmark.protocol.estimates import Estimate
from ..analysis.group import INCOMPLETE, Group
from ..analysis.labels import Name
from .table import Board, Column, Value

Attack = str | None
"""The subject of a row: an attack, or None for clean images."""


def metric_boards(groups: Sequence[Group]) -> dict[str, list[Board]]:
    """Boards by `<task>-<metric>`, each with one table per group that has the task."""
    found: dict[str, list[Board]] = {}
    for group in groups:
        for task in group.setting.tasks:
            for metric in group.metrics(task):
                found.setdefault(f"{task}-{metric}", []).append(_board(group, task, metric))
    return found


def _board(group: Group, task: str, metric: str) -> Board:
    facts = group.metrics(task)[metric]

    def value_on(model: str) -> Callable[[Attack], Value]:
        def value(attack: Attack) -> Value:
            if attack is None:
                return _known(group.any_record(model).clean[task][metric])
            record = group.records.get((model, attack))
            return _known(record.attacked[task][metric]) if record else None

        return value

    columns: list[Column[Attack]] = [
        Column("attack", "attack", lambda attack: "none" if attack is None else Name(attack)),
        *(Column(model, model, value_on(model)) for model in group.models),
    ]
    better = "higher" if facts.higher_is_better else "lower"
    scope = (*group.setting.scope, ("unit", facts.unit), ("better", better))
    return Board.of(f"{task}-{metric}", group.title, "", scope, columns, (None, *group.attacks))


def _known(estimate: Estimate) -> Value:
    return estimate if estimate.value is not None else INCOMPLETE

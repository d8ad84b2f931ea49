"""One board per task and metric: every model's value without and with every attack."""

from __future__ import annotations

from collections.abc import Sequence

from ...benchmark.protocol.metrics import Metric
from ..analysis.gain import metrics_of
from ..analysis.groups import INCOMPLETE, Group
from ..analysis.labels import Name
from ..analysis.scores import in_order
from .table import Board, Cell, Column


def metric_boards(groups: Sequence[Group]) -> dict[str, list[Board]]:
    """Boards by `<task>-<metric>`, each with one table per group that has the task."""
    tasks = in_order({task for group in groups for task in group.setting.tasks})
    return {
        f"{task}-{metric.name}": [_board(group, task, metric) for group in groups if task in group.setting.tasks]
        for task in tasks
        for metric in metrics_of(task)
    }


def _board(group: Group, task: str, metric: Metric) -> Board:
    def clean(model: str) -> Cell:
        estimate = group.any_record(model).clean[task][metric.name]
        return estimate if estimate.value is not None else INCOMPLETE

    def attacked(model: str, attack: str) -> Cell:
        record = group.records.get((model, attack))
        if record is None:
            return None
        estimate = record.attacked[task][metric.name]
        return estimate if estimate.value is not None else INCOMPLETE

    rows = (
        ("none", *(clean(model) for model in group.models)),
        *((Name(attack), *(attacked(model, attack) for model in group.models)) for attack in group.attacks),
    )
    columns = tuple(Column(name, name) for name in ("attack", *group.models))
    better = "higher" if metric.higher_is_better else "lower"
    scope = (*group.setting.scope, ("unit", metric.unit), ("better", better))
    return Board(f"{task}-{metric.name}", group.title, "", scope, columns, rows)

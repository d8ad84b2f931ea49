"""Other metrics for models that are there: a model's tasks, judged as somebody else judges them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

from ..benchmark.protocol.errors import unknown
from ..benchmark.protocol.tasks.base import Task
from ..benchmark.protocol.tasks.registry import make_task
from ..benchmark.protocol.types import MultiTaskModel

METRIC_SETS: Mapping[str, Mapping[str, str]] = {
    "dgba-2023": {"segmentation": "dgba2023_segmentation", "depth": "dgba2023_depth"},
}
"""By name, the kinds of tasks that take the place of which; others stay."""


def judged_by(metrics: str | None, tasks: Mapping[str, Task]) -> dict[str, Task]:
    """The tasks as the metric set `metrics` judges them; as they are for None. Raises BadInputError if unknown."""
    if metrics is None:
        return dict(tasks)
    if metrics not in METRIC_SETS:
        raise unknown("metric set", metrics, METRIC_SETS)
    kinds = METRIC_SETS[metrics]
    return {name: _made(kinds[task.kind], task) if task.kind in kinds else task for name, task in tasks.items()}


def model_judged_by(metrics: str | None, model: MultiTaskModel) -> MultiTaskModel:
    """The same network with its tasks as `judged_by` has them."""
    if metrics is None:
        return model
    return MultiTaskModel(model.net, judged_by(metrics, model.tasks)).train(model.training)


def _made(kind: str, task: Task) -> Task:
    return make_task(kind, **{field.name: getattr(task, field.name) for field in fields(cast(Any, task))})

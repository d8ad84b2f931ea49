"""What sharing gains on clean images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..benchmark.protocol.errors import unknown
from ..benchmark.protocol.metrics import METRICS, Metric
from ..benchmark.protocol.records import Estimate
from .groups import Group
from .scores import in_order

Scores = Mapping[str, Mapping[str, Estimate]]


def metrics_of(task: str) -> tuple[Metric, ...]:
    """The metrics of a task; raises BadInputError for a task whose metrics have no known direction."""
    if task not in METRICS:
        raise unknown("task", task, METRICS)
    return METRICS[task]


def clean_gain(clean: Scores, twin: Scores) -> dict[str, float] | None:
    """Delta_t in percent by task: the mean over its metrics of s (m - m_twin) / |m_twin|; positive = gain.

    s = +1 if higher is better, else -1. None if a score is undefined or the twin's is 0. Delta_m is the mean over tasks
    (arXiv 1904.08918).
    """
    gains = {}
    for task in in_order(clean):
        parts = []
        for metric in metrics_of(task):
            own, other = clean[task][metric.name].value, twin[task][metric.name].value
            if own is None or not other:
                return None
            parts.append((1 if metric.higher_is_better else -1) * (own - other) / abs(other))
        gains[task] = 100 * float(np.mean(parts))
    return gains


def twin_of(group: Group, model: str) -> str | None:
    """The model of the group against which the gain of `model` is measured, if it is there and unambiguous."""
    name = group.facts(model).twin
    found = [other for other in group.models if group.any_record(other).cell.model.name == name]
    return found[0] if len(found) == 1 else None


def task_gains(group: Group, model: str) -> dict[str, float] | None:
    """The clean gain of a model against its twin in the group, in percent by task; None without a twin.

    It is 0 for a model that is the twin of others.
    """
    if group.facts(model).twin is None and any(twin_of(group, other) == model for other in group.models):
        return dict.fromkeys(group.setting.tasks, 0.0)
    twin = twin_of(group, model)
    return None if twin is None else clean_gain(group.any_record(model).clean, group.any_record(twin).clean)


def gain_of(group: Group, model: str) -> float | None:
    """Delta_m: the mean over tasks of the clean gain of a model, in percent; None without a twin."""
    gains = task_gains(group, model)
    return None if gains is None else float(np.mean([*gains.values()]))

"""What sharing gains on clean images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...benchmark.protocol.facts import TaskFacts
from ...benchmark.protocol.records import CleanRecord
from ...benchmark.stats import RESAMPLES, Array, Bootstrapped, mean, relative_degradation
from .group import Group
from .scores import replicates, value_of

Scores = Mapping[str, Mapping[str, Bootstrapped]]


def clean_scores(group: Group, model: str) -> Scores:
    """Every clean metric of a model, by its clean pass; raises as `replicates` does.

    Without a record of that, the values are those that attacks on it found, and the replicates NaN.
    """
    clean = group.clean.get(model)
    found: dict[str, dict[str, Bootstrapped]] = {}
    for task, part in (clean.scores if clean else group.any_record(model).clean).items():
        values = [value_of(estimate) for estimate in part.values()]
        own = _unpacked(clean, task, [*part]) if clean else np.full((len(part), RESAMPLES), np.nan)
        found[task] = {name: Bootstrapped(*pair) for name, *pair in zip(part, values, own, strict=True)}
    return found


def _unpacked(clean: CleanRecord, task: str, metrics: Sequence[str]) -> Array:
    packed = [clean.replicates[task][metric] for metric in metrics]
    return replicates(packed, lambda place: f"record {clean.key}: {task} {metrics[place]}")


def clean_gain(tasks: Mapping[str, TaskFacts], clean: Scores, twin: Scores) -> dict[str, Bootstrapped] | None:
    """Delta_t in percent by task: the mean over its metrics of s (m - m_twin) / |m_twin|; positive = gain.

    `tasks` say of every metric whether higher is better: s = +1, or else -1. None if a score is undefined or the twin's
    is 0. Delta_m is the mean over tasks (arXiv 1904.08918).
    """
    gains = {}
    for task in clean:
        losses = mean(
            [
                relative_degradation(twin[task][name], clean[task][name], metric.higher_is_better)
                for name, metric in tasks[task].metrics.items()
            ]
        )
        gains[task] = Bootstrapped(-100 * losses.value, -100 * losses.replicates)
    return gains if all(np.isfinite(gain.value) for gain in gains.values()) else None


def gain_over(group: Group, models: Sequence[str], base: Sequence[str]) -> dict[str, Bootstrapped]:
    """Delta_m of every model against one base, the mean clean scores of several models, in percent.

    One base for all, so that models of several seeds can be compared: twins of their own would be as many zeros.
    Empty if `base` is empty; a model with an undefined score is left out.
    """
    if not base:
        return {}
    scores = [clean_scores(group, model) for model in base]
    zero = {task: {name: mean([part[task][name] for part in scores]) for name in scores[0][task]} for task in scores[0]}
    found = {model: clean_gain(group.task_facts, clean_scores(group, model), zero) for model in models}
    return {model: mean([*gains.values()]) for model, gains in found.items() if gains}


def twin_of(group: Group, model: str) -> str | None:
    """The model of the group against which the gain of `model` is measured, if it is there and unambiguous."""
    name = group.facts(model).twin
    if name is None:
        return None
    found = [other for other in group.models if group.any_record(other).cell.model.name == name]
    return found[0] if len(found) == 1 else None


def task_gains(group: Group, model: str) -> dict[str, Bootstrapped] | None:
    """The clean gain of a model against its twin in the group, in percent by task; None without a twin.

    It is 0 for a model that is the twin of others.
    """
    if group.facts(model).twin is None and any(twin_of(group, other) == model for other in group.models):
        return dict.fromkeys(group.setting.tasks, Bootstrapped(0.0, np.zeros(RESAMPLES)))
    twin = twin_of(group, model)
    if twin is None:
        return None
    return clean_gain(group.task_facts, clean_scores(group, model), clean_scores(group, twin))

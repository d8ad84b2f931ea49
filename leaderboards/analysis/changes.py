"""By how much the scores of one cell have changed between two records, with the paired bootstrap's interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...benchmark.protocol.estimates import Estimate
from ...benchmark.protocol.records import AnyRecord, CleanRecord, Record
from ...benchmark.stats import Array, Bootstrapped, mean
from .scores import replicates, task_scores, value_of


@dataclass(frozen=True)
class Change:
    """A score before and after; `by` is how much robustness fell with its 95 % interval, negative where it rose.

    `of` is "ard", a task's name for its D_t, or "clean.TASK.METRIC". Of degradations `by` is the difference. Of clean
    scores it is s (c - c') / |c| with s = 1 where higher is better, else -1: how far the score c fell in relation to
    itself, or without |c| where that is 0. It is undefined where a score is.
    """

    of: str
    before: float | None
    after: float | None
    by: Estimate


def score_names(record: AnyRecord) -> list[str]:
    """What `Change.of` is of the scores of a record."""
    if isinstance(record, Record):
        return ["ard", *record.cell.tasks]
    return [clean_name(task, metric) for task, scores in record.scores.items() for metric in scores]


def clean_name(task: str, metric: str) -> str:
    """What `Change.of` is of a clean score."""
    return f"clean.{task}.{metric}"


def changes(before: AnyRecord, after: AnyRecord) -> list[Change]:
    """Every score of two records of one cell over the same images, tasks and resamples.

    Both are over the same resamples, so that the interval is that of the difference and not of two runs.
    """
    if isinstance(before, Record) and isinstance(after, Record):
        return _attacked(before, after)
    if isinstance(before, CleanRecord) and isinstance(after, CleanRecord):
        return _clean(before, after)
    raise ValueError("a clean pass compares with a clean pass")


def _attacked(before: Record, after: Record) -> list[Change]:
    tasks = [*before.cell.tasks]
    old, new = (task_scores([(record, task) for task in tasks]) for record in (before, after))
    parts = {"ard": (mean(old), mean(new)), **dict(zip(tasks, zip(old, new, strict=True), strict=True))}
    values = {
        "ard": (before.degradation.ard.value, after.degradation.ard.value),
        **{task: (before.degradation.tasks[task].value, after.degradation.tasks[task].value) for task in tasks},
    }
    return [
        Change(of, *values[of], Bootstrapped(new.value - old.value, new.replicates - old.replicates).estimate())
        for of, (old, new) in parts.items()
    ]


def _unpacked(of: CleanRecord, task: str, metrics: Sequence[str]) -> dict[str, Array]:
    packed = [of.replicates[task].get(metric) for metric in metrics]
    found = replicates(packed, lambda place: f"record {of.key}: {task}.{metrics[place]}")
    return dict(zip(metrics, found, strict=True))


def _clean(before: CleanRecord, after: CleanRecord) -> list[Change]:
    found = []
    for task, scores in before.scores.items():
        old, new = (_unpacked(of, task, [*scores]) for of in (before, after))
        for metric, estimate in scores.items():
            now = after.scores[task][metric]
            sign = 1.0 if before.task_facts[task].metrics[metric].higher_is_better else -1.0
            scale = sign / (abs(value_of(estimate)) or 1.0)
            fall = Bootstrapped(scale * (value_of(estimate) - value_of(now)), scale * (old[metric] - new[metric]))
            found.append(Change(clean_name(task, metric), estimate.value, now.value, fall.estimate()))
    return found

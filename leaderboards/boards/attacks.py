"""The attack board: how much damage every attack does, averaged over the models of one training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...benchmark.protocol.estimates import Estimate
from ...benchmark.protocol.records import Record
from ...benchmark.stats import Bootstrapped, mean
from ..analysis.flags import Flags, Raised, counted, explained, flags
from ..analysis.group import INCOMPLETE, Group
from ..analysis.labels import Name
from ..analysis.names import named
from ..analysis.ranking import Rank, ranks
from ..analysis.scores import plain_mean, task_scores, tier_of
from ..analysis.strength import attack_ards
from ..analysis.trainings import models_label
from .notes import common_notes, listed
from .record_columns import record_columns
from .table import Board, Column, Value
from .values import seconds_of

NOT_ON_ALL_MODELS = "not on all models"
"""The status of an attack that was not evaluated on all models compared."""


@dataclass(frozen=True)
class Row:
    """An attack and its records on the models compared; `score` is the mean ARD, None unless `status` is "complete"."""

    attack: Name
    status: str
    rank: Rank | None
    score: Bootstrapped | None
    records: tuple[Record, ...]
    by_task: dict[str, Estimate]
    flags: tuple[Raised, ...] | None


def attack_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group and training; an attack without a complete record on all models compared has no numbers."""
    return [part.once(_board) for group in groups for part in group.parts if part.attacks]


def _board(group: Group) -> Board:
    training, tasks = group.training(group.models[0]), group.setting.tasks
    scores, raised = group.once(attack_ards), group.once(flags)
    counting = [signs for (_, attack), signs in raised.items() if attack in scores]
    columns: list[Column[Row]] = [
        Column("rank", "rank", lambda row: row.rank, "rank"),
        Column("attack", "attack", lambda row: row.attack, names_of="attack"),
        Column("status", "status", lambda row: row.status, where="csv"),
        Column(
            "ard",
            "ARD [95 %]",
            lambda row: row.score.estimate() if row.score else row.status,
            "interval",
            draws=True,
        ),
        Column("worst_task", "least hit\ntask", _averaged(lambda record: record.degradation.worst_task)),
        *(Column(f"d_{task}", task, _task(task)) for task in tasks),
        Column("flat_mean", "flat\nmean", _averaged(lambda record: record.degradation.flat), where="pages"),
        Column("arlc", "ARLC", _averaged(lambda record: record.degradation.arlc), where="pages"),
        Column(
            "forwards", "fwd", _cost(lambda record: record.costs.forwards), "count", where="pages", low_is_better=True
        ),
        Column("backwards", "bwd", _cost(lambda record: record.costs.backwards), "count", low_is_better=True),
        Column("seconds", "s", _cost(seconds_of(group)), where="pages", low_is_better=True),
        Column("flags", "flags", lambda row: row.flags, where="pages", note=explained(counting)),
        Column(
            "tier",
            "tier",
            lambda row: tier_of(row.records) if row.score else None,
            where="pages" if group.has_tiers else "csv",
        ),
        *record_columns(_only),
    ]
    note = " ".join([*_models(group), *common_notes(group)])
    title = f"Attacks on {models_label(training)}: {group.title}"
    return Board.of(
        "attacks", title, note, (*group.setting.scope, ("training", training)), columns, _rows(group, scores, raised)
    )


def _only(row: Row) -> Record | None:
    """The record of a row that is about a single one."""
    return row.records[0] if row.score and len(row.records) == 1 else None


def _models(group: Group) -> list[str]:
    """Sentences on the models that the means are over, and on those that they leave out."""
    counted, left_out = group.core.models, [model for model in group.models if model not in group.core.models]
    means = f"Mean over {len(counted)} models" if len(counted) > 1 else "One model"
    found = [f"{means}: {listed(counted)}."]
    return [*found, f"Not under all of the attacks, and so left out: {listed(left_out)}."] if left_out else found


def _rows(group: Group, scores: Mapping[str, Bootstrapped], raised: Mapping[tuple[str, str], Flags]) -> list[Row]:
    """The most damaging attack first, controls below all that are ranked, and attacks without numbers last."""
    ranked = [attack for attack in scores if not group.is_control(attack)]
    rank = dict(zip(ranked, ranks([scores[attack] for attack in ranked], highest_first=True), strict=True))
    order = sorted(
        group.attacks, key=lambda a: (a not in scores, group.is_control(a), -scores[a].value if a in scores else 0, a)
    )
    models, found = group.core.models, []
    for attack in order:
        records = tuple(group.records[model, attack] for model in models if (model, attack) in group.records)
        score = scores.get(attack)
        whole = NOT_ON_ALL_MODELS if len(records) < len(models) else INCOMPLETE
        found.append(
            Row(
                attack=named(group, attack),
                status="complete" if score else whole,
                rank=rank.get(attack),
                score=score,
                records=records,
                by_task=_by_task(records, group.setting.tasks) if score else {},
                flags=counted([raised.get((model, attack), ()) for model in models]) if score else None,
            )
        )
    return found


def _by_task(records: Sequence[Record], tasks: Sequence[str]) -> dict[str, Estimate]:
    """D_t of every task, the mean over the records."""
    scores = task_scores([(record, task) for task in tasks for record in records])
    by_task = [scores[place : place + len(records)] for place in range(0, len(scores), len(records))]
    return {task: mean(parts).estimate() for task, parts in zip(tasks, by_task, strict=True)}


def _task(task: str) -> Callable[[Row], Value]:
    return lambda row: row.by_task.get(task)


def _averaged(part: Callable[[Record], Estimate]) -> Callable[[Row], Value]:
    """The mean over the models of a score without replicates."""
    return lambda row: plain_mean(map(part, row.records)) if row.score else None


def _cost(part: Callable[[Record], float | None]) -> Callable[[Row], Value]:
    """The mean over the models of what an attack costs per image, None if it is not known of one."""

    def average(row: Row) -> Value:
        costs = [part(record) for record in row.records]
        known = [cost for cost in costs if cost is not None]
        return sum(known) / len(known) if row.score and len(known) == len(costs) else None

    return average

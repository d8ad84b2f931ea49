"""Boards for pages about one model or one attack: every pair of it, its scores, and what its gradients look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ...benchmark.protocol.estimates import Estimate
from ...benchmark.protocol.records import Diagnostics, Record
from ..analysis.flags import Flags, Raised, counted, explained
from ..analysis.group import INCOMPLETE, Group
from ..analysis.labels import Name
from ..analysis.names import named
from .metric_columns import attacked_columns, metric_columns, unit_and_direction
from .record_columns import record_columns
from .table import Board, Column, Value
from .values import seconds_of

Pair = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """A pair of model and attack: what names it, its record, whether that is complete, and its flags."""

    name: Name
    record: Record
    is_complete: bool
    flags: tuple[Raised, ...] | None

    @property
    def ard(self) -> float:
        value = self.record.degradation.ard.value if self.is_complete else None
        return float("-inf") if value is None else value


def pair_board(
    group: Group, pairs: Sequence[Pair], of: Literal["attack", "model"], raised: Mapping[Pair, Flags]
) -> Board:
    """One row per pair of model and attack, the largest ARD first; `of` is what the rows name."""
    rows = [
        Row(
            name=named(group, attack) if of == "attack" else Name(model),
            record=group.records[model, attack],
            is_complete=group.complete(model, attack) is not None,
            flags=counted([raised.get((model, attack), ())]),
        )
        for model, attack in sorted(pairs)
    ]
    columns: list[Column[Row]] = [
        Column(of, of, lambda row: row.name, names_of=of),
        Column(
            "ard",
            "ARD [95 %]",
            lambda row: row.record.degradation.ard if row.is_complete else INCOMPLETE,
            "interval",
            draws=True,
            low_is_better=of == "model",
        ),
        Column("worst_task", "least hit\ntask", _if_complete(lambda record: record.degradation.worst_task)),
        *(Column(f"d_{task}", f"{task}\n[95 %]", _task(task), "interval") for task in group.setting.tasks),
        *attacked_columns(group, lambda row: row.record if row.is_complete else None, "attacked"),
        Column("flat_mean", "flat\nmean", _if_complete(lambda record: record.degradation.flat)),
        Column("arlc", "ARLC", _if_complete(lambda record: record.degradation.arlc)),
        Column("forwards", "fwd", _if_complete(lambda record: record.costs.forwards), "count", low_is_better=True),
        Column("backwards", "bwd", _if_complete(lambda record: record.costs.backwards), "count", low_is_better=True),
        Column("seconds", "s", _if_complete(seconds_of(group)), low_is_better=True),
        Column(
            "flags",
            "flags",
            lambda row: row.flags if row.is_complete else None,
            note=explained([raised.get(pair, ()) for pair in pairs]),
        ),
        Column("tier", "tier", lambda row: row.record.tier, where="pages" if group.has_tiers else "csv"),
        Column("record", "record", lambda row: Name(row.record.key[:12])),
        *record_columns(lambda row: row.record),
    ]
    title = "Under every attack" if of == "attack" else "On every model"
    strongest_first = sorted(rows, key=lambda row: -row.ard)
    return Board.of("pairs", title, "", group.setting.scope, columns, strongest_first)


def _if_complete(part: Callable[[Record], Value]) -> Callable[[Row], Value]:
    return lambda row: part(row.record) if row.is_complete else None


def _task(task: str) -> Callable[[Row], Value]:
    return _if_complete(lambda record: record.degradation.tasks[task])


def score_board(group: Group, attack: str) -> Board:
    """Every metric of every model under an attack."""
    columns: list[Column[str]] = [
        Column("model", "model", Name, names_of="model"),
        *metric_columns(group, lambda model: group.records[model, attack].attacked, everything=True),
    ]
    models = [model for model in group.models if (model, attack) in group.records]
    note = "Intervals are in the table of every metric."
    return Board.of("scores", "Scores under the attack", note, group.setting.scope, columns, models)


def clean_board(group: Group, model: str) -> Board:
    """Every metric of a model on clean images, one per row."""
    columns: list[Column[tuple[str, Estimate]]] = [
        Column("metric", "metric", lambda row: row[0]),
        Column("value", "value [95 %]", lambda row: row[1], "interval", digits=3),
    ]
    rows = [
        (f"{task} {metric} {unit_and_direction(facts)}", group.any_record(model).clean[task][metric])
        for task in group.setting.tasks
        for metric, facts in group.metrics(task).items()
    ]
    return Board.of("clean", "Clean scores", "", group.setting.scope, columns, rows)


def gradient_board(group: Group, model: str) -> Board:
    """What the gradients of a model's losses at the clean images look like."""
    columns: list[Column[tuple[str, float]]] = [
        Column("quantity", "quantity", lambda row: row[0]),
        Column("value", "value", lambda row: row[1], "count"),
    ]
    rows = _quantities(group.any_record(model).diagnostics).items()
    return Board.of("gradients", "Gradients at the clean images", "", group.setting.scope, columns, rows)


def _quantities(found: Diagnostics) -> dict[str, float]:
    return {
        **{f"share of images without gradient, {task}": value for task, value in found.zero_gradient.items()},
        **{f"mean length of the gradient, {task}": value for task, value in found.gradient_length.items()},
        **{f"mean cosine of the gradients, {pair}": value for pair, value in found.gradient_cosine.items()},
    }

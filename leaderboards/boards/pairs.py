"""Boards for pages about one model or one attack: every pair of it, its scores, and what its gradients look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...benchmark.protocol.records import Diagnostics, Record
from ..analysis.attack_kinds import named
from ..analysis.flags import Flags, explained
from ..analysis.gain import metrics_of
from ..analysis.groups import INCOMPLETE, Group
from ..analysis.labels import Name
from .models import metric_columns
from .table import Board, Cell, Column

Pair = tuple[str, str]


def pair_board(group: Group, pairs: Sequence[Pair], of: str, raised: Mapping[Pair, Flags]) -> Board:
    """One row per pair of model and attack, the largest ARD first; `of` is what the rows name, "attack" or "model"."""
    records = {pair: group.complete(*pair) for pair in pairs}
    scores = {pair: record.degradation.ard for pair, record in records.items() if record is not None}
    values = {pair: score.value for pair, score in scores.items() if score.value is not None}
    order = sorted(pairs, key=lambda pair: (pair not in values, -values.get(pair, 0.0), pair))
    tasks = group.setting.tasks
    rows: list[tuple[Cell, ...]] = []
    for pair in order:
        name = named(pair[1]) if of == "attack" else Name(pair[0])
        record, key = records[pair], group.records[pair].key
        if record is None:
            rows.append((name, INCOMPLETE, *[None] * (7 + len(tasks)), group.records[pair].tier, key[:12]))
        else:
            signs = "; ".join(raised.get(pair, ())) or None
            rows.append((name, scores[pair], *_numbers(record, tasks), signs, record.tier, key[:12]))
    columns = (
        Column(of, of),
        Column("ard", "ARD [95 %]", "interval"),
        Column("worst_task", "least hit\ntask"),
        *(Column(f"d_{task}", f"{task}\n[95 %]", "interval") for task in tasks),
        Column("flat_mean", "flat\nmean"),
        Column("arlc", "ARLC"),
        Column("forwards", "fwd", "count"),
        Column("backwards", "bwd", "count"),
        Column("seconds", "s"),
        Column("flags", "flags", note=explained([raised.get(pair, ()) for pair in pairs])),
        Column("tier", "tier"),
        Column("record", "record"),
    )
    title = "Under every attack" if of == "attack" else "On every model"
    return Board("pairs", title, "", group.setting.scope, columns, tuple(rows))


def score_board(group: Group, attack: str) -> Board:
    """Every metric of every model under an attack."""
    metrics = [(task, metric.name) for task in group.setting.tasks for metric in metrics_of(task)]
    rows: list[tuple[Cell, ...]] = []
    for model in group.models:
        record = group.records.get((model, attack))
        if record is not None:
            rows.append((Name(model), *(record.attacked[task][name] for task, name in metrics)))
    columns = (Column("model", "model"), *metric_columns(group, everything=True))
    note = "Intervals are in the table of every metric."
    return Board("scores", "Scores under the attack", note, group.setting.scope, columns, tuple(rows))


def clean_board(group: Group, model: str) -> Board:
    """Every metric of a model on clean images, one per row."""
    rows: list[tuple[Cell, ...]] = []
    for task, scores in group.any_record(model).clean.items():
        for metric in metrics_of(task):
            unit = f" ({metric.unit})" if metric.unit else ""
            better = "↑" if metric.higher_is_better else "↓"
            rows.append((f"{task} {metric.name}{unit} {better}", scores[metric.name]))
    columns = (Column("metric", "metric"), Column("value", "value [95 %]", "interval", digits=3))
    return Board("clean", "Clean scores", "", group.setting.scope, columns, tuple(rows))


def gradient_board(group: Group, model: str) -> Board:
    """What the gradients of a model's losses at the clean images look like."""
    columns = (Column("quantity", "quantity"), Column("value", "value", "count"))
    rows = tuple(_quantities(group.any_record(model).diagnostics).items())
    return Board("gradients", "Gradients at the clean images", "", group.setting.scope, columns, rows)


def _numbers(record: Record, tasks: Sequence[str]) -> list[Cell]:
    parts, costs = record.degradation, record.costs
    by_task = [record.degradation.tasks[task] for task in tasks]
    seconds = costs.seconds / record.cell.dataset.images
    return [parts.worst_task, *by_task, parts.flat, parts.arlc, costs.forwards, costs.backwards, seconds]


def _quantities(found: Diagnostics) -> dict[str, float]:
    return {
        **{f"share of images without gradient, {task}": value for task, value in found.zero_gradient.items()},
        **{f"mean length of the gradient, {task}": value for task, value in found.gradient_length.items()},
        **{f"mean cosine of the gradients, {pair}": value for pair, value in found.gradient_cosine.items()},
    }

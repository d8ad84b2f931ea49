"""Boards for pages about one model or one attack: every pair of it, its scores, and what its gradients look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..benchmark.protocol.records import Diagnostics, Estimate, Record
from .board import BLACK_BOX, CONTROL, INCOMPLETE, Board, Cell, Column, Name
from .flags import Flags, explained
from .gain import metrics_of
from .groups import Group, is_black_box, is_control

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
        Column("worst_task", "worst\ntask"),
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


def named(attack: str) -> Name:
    """An attack's name with what a reader must know of its kind."""
    return Name(attack, CONTROL if is_control(attack) else BLACK_BOX if is_black_box(attack) else "")


def score_board(group: Group, models: Sequence[str], attack: str | None) -> Board:
    """Every metric of these models under an attack, or on clean images."""
    records = [group.records[model, attack] if attack else group.any_record(model) for model in models]
    rows: list[tuple[Cell, ...]] = []
    for task in group.setting.tasks:
        for metric in metrics_of(task):
            unit = f" ({metric.unit})" if metric.unit else ""
            better = "↑" if metric.higher_is_better else "↓"
            scores = [(record.attacked if attack else record.clean)[task][metric.name] for record in records]
            rows.append((f"{task} {metric.name}{unit} {better}", *scores))
    columns = (
        Column("metric", "metric"),
        *(Column(model, f"`{model}` [95 %]" if attack else "value [95 %]", "interval", digits=3) for model in models),
    )
    title = "Scores under the attack" if attack else "Clean scores"
    return Board("scores", title, "", group.setting.scope, columns, tuple(rows))


def gradient_board(group: Group, models: Sequence[str], attack: str | None) -> Board:
    """What the gradients of the losses at the clean images look like, and what noise of the budget's size does."""
    records = [group.records[model, attack] if attack else group.any_record(model) for model in models]
    found = [_quantities(record.diagnostics) for record in records]
    names = list(dict.fromkeys(name for quantities in found for name in quantities))
    columns = (
        Column("quantity", "quantity"),
        *(Column(model, f"`{model}`" if attack else "value", "count") for model in models),
    )
    rows = tuple((name, *(quantities.get(name) for quantities in found)) for name in names)
    return Board("gradients", "Gradients at the clean images", "", group.setting.scope, columns, rows)


def _numbers(record: Record, tasks: Sequence[str]) -> list[Cell]:
    parts, costs = record.degradation, record.costs
    by_task = [record.degradation.tasks[task] for task in tasks]
    seconds = costs.seconds / record.cell.dataset.images
    return [parts.worst_task, *by_task, parts.flat, parts.arlc, costs.forwards, costs.backwards, seconds]


def _quantities(found: Diagnostics) -> dict[str, float | Estimate]:
    return {
        **{f"share of images without gradient, {task}": value for task, value in found.zero_gradient.items()},
        **{f"mean length of the gradient, {task}": value for task, value in found.gradient_length.items()},
        **{f"mean cosine of the gradients, {pair}": value for pair, value in found.gradient_cosine.items()},
        "ARD under noise of the same budget": found.noise,
    }

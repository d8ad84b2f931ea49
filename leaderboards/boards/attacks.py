"""The attack board: how much damage every attack does, averaged over the models of one training."""

from __future__ import annotations

from collections.abc import Sequence

from ...benchmark.stats import Bootstrapped, mean
from ..analysis.attack_kinds import is_control, named
from ..analysis.flags import counted, explained, flags
from ..analysis.groups import INCOMPLETE, Group, models_label
from ..analysis.ranking import ranks
from ..analysis.scores import plain_mean, task_scores, tier_of
from ..analysis.strength import attack_ards
from .notes import common_notes, listed
from .table import Board, Cell, Column


def attack_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group and training; an attack without a complete record on every model is incomplete."""
    return [_board(part) for group in groups for part in group.parts]


def _board(group: Group) -> Board:
    scores = attack_ards(group)
    ranked = [attack for attack in scores if not is_control(attack)]
    rank = dict(zip(ranked, ranks([scores[attack] for attack in ranked], highest_first=True), strict=True))
    order = sorted(
        group.attacks, key=lambda a: (a not in scores, is_control(a), -scores[a].value if a in scores else 0, a)
    )
    training = group.training(group.models[0])
    tasks = group.setting.tasks
    raised = flags(group)
    rows: list[tuple[Cell, ...]] = []
    for attack in order:
        name = named(attack)
        if attack in scores:
            signs = counted([raised.get((model, attack), ()) for model in group.models])
            rows.append(
                (
                    rank.get(attack),
                    name,
                    "complete",
                    *_numbers(group, attack, scores[attack]),
                    signs,
                    _tier(group, attack),
                )
            )
        else:
            rows.append((None, name, INCOMPLETE, INCOMPLETE, *[None] * (8 + len(tasks))))
    columns = (
        Column("rank", "rank"),
        Column("attack", "attack"),
        Column("status", "status", where="csv"),
        Column("ard", "ARD [95 %]", "interval"),
        Column("worst_task", "least hit\ntask"),
        *(Column(f"d_{task}", task) for task in tasks),
        Column("flat_mean", "flat\nmean", where="pages"),
        Column("arlc", "ARLC", where="pages"),
        Column("forwards", "fwd", "count", where="pages"),
        Column("backwards", "bwd", "count"),
        Column("seconds", "s", where="pages"),
        Column("flags", "flags", where="pages", note=explained([raised[pair] for pair in raised if pair[1] in scores])),
        Column("tier", "tier", where="pages" if group.has_tiers else "csv"),
    )
    models = f"Mean over {len(group.models)} models" if len(group.models) > 1 else "One model"
    note = " ".join([f"{models}: {listed(group.models)}.", *common_notes(group)])
    title = f"Attacks on {models_label(training)}: {group.title}"
    return Board("attacks", title, note, (*group.setting.scope, ("training", training)), columns, tuple(rows))


def _tier(group: Group, attack: str) -> str:
    return tier_of(group.records[model, attack] for model in group.models)


def _numbers(group: Group, attack: str, score: Bootstrapped) -> list[Cell]:
    records = [group.records[model, attack] for model in group.models]
    count = len(records)
    by_task = [mean(task_scores([(record, task) for record in records])) for task in group.setting.tasks]
    return [
        score.estimate(),
        plain_mean(record.degradation.worst_task for record in records),
        *(part.estimate() for part in by_task),
        plain_mean(record.degradation.flat for record in records),
        plain_mean(record.degradation.arlc for record in records),
        sum(record.costs.forwards for record in records) / count,
        sum(record.costs.backwards for record in records) / count,
        sum(record.costs.seconds / record.cell.dataset.images for record in records) / count,
    ]

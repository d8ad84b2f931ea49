"""The model board: what every model can do, and how much of it is left under the worst attack."""

from __future__ import annotations

from collections.abc import Sequence

from ...benchmark.stats import mean
from ..analysis.flags import explained, model_flags
from ..analysis.gain import metrics_of, task_gains
from ..analysis.groups import CLEAN, INCOMPLETE, Group
from ..analysis.headline import STANDARD, ranked_scores, worst_cases
from ..analysis.labels import Name
from ..analysis.ranking import ranks
from ..analysis.scores import tier_of
from .notes import common_notes
from .table import Board, Cell, Column, Place


def model_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group, the most robust model first."""
    return [_board(group) for group in groups]


def clean_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group with every clean metric of every model."""
    boards = []
    for group in groups:
        columns = (Column("model", "model"), *metric_columns(group, everything=True))
        rows = tuple((Name(model), *_clean(group, model)) for model in group.models)
        note = " ".join(["Without attack.", *common_notes(group)])
        boards.append(Board("clean", f"Clean scores: {group.title}", note, group.setting.scope, columns, rows))
    return boards


def model_attack_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group with the ARD of every model under every attack."""
    boards = []
    for group in groups:
        columns = (
            Column("attack", "attack"),
            *(Column(f"ard:{model}", f"`{model}`", "interval") for model in group.models),
        )
        rows = tuple(
            (Name(attack), *(_ard(group, model, attack) for model in group.models)) for attack in group.attacks
        )
        note = " ".join(["ARD [95 %].", *common_notes(group)])
        title = f"Every attack on every model: {group.title}"
        boards.append(Board("models-attacks", title, note, group.setting.scope, columns, rows))
    return boards


def metric_columns(group: Group, everything: bool) -> list[Column]:
    """Columns of the metrics; a table shows each task's first, or with `everything` all of them."""
    columns = []
    for task in group.setting.tasks:
        for i, metric in enumerate(metrics_of(task)):
            better = "↑" if metric.higher_is_better else "↓"
            unit = f"({metric.unit}) " if metric.unit else ""
            title = f"{task}\n{metric.name}\n{unit}{better}"
            columns.append(
                Column(f"{task}.{metric.name}", title, where="everywhere" if everything or i == 0 else "csv")
            )
    return columns


def _board(group: Group) -> Board:
    worst, headline = worst_cases(group), ranked_scores(group)
    gains = {model: task_gains(group, model) or {} for model in group.models}
    rank = dict(zip(headline, ranks([*headline.values()], highest_first=False), strict=True))
    order = sorted(group.models, key=lambda m: (m not in headline, headline[m].value if m in headline else 0, m))
    raised = model_flags(group)
    rows: list[tuple[Cell, ...]] = []
    for model in order:
        facts = group.facts(model)
        attack, score = worst.get(model, (None, None))
        rows.append(
            (
                rank.get(model),
                Name(model),
                "complete" if model in headline else INCOMPLETE,
                facts.sharing_index,
                facts.adversary or CLEAN,
                facts.parameters,
                *((_ard(group, model, STANDARD),) if STANDARD in group.attacks else ()),
                score.estimate() if score else INCOMPLETE,
                Name(attack) if attack else None,
                *_clean(group, model),
                mean([*gains[model].values()]).estimate() if gains[model] else None,
                *(gain.estimate() if (gain := gains[model].get(task)) else None for task in group.setting.tasks),
                "; ".join(raised[model]) or None,
                tier_of(group.records[model, attack] for attack in group.attacks if (model, attack) in group.records),
                *(_ard(group, model, attack) for attack in group.attacks),
            )
        )
    other = any(attack != STANDARD for attack, _ in worst.values())
    worst_shown: Place = "everywhere" if STANDARD not in group.attacks else "pages" if other else "csv"
    columns = (
        Column("rank", "rank"),
        Column("model", "model"),
        Column("status", "status", where="csv"),
        Column("sharing_index", "sharing\nindex"),
        Column("training", "training"),
        Column("parameters", "parameters", where="csv"),
        *(
            (Column("standard_ard", f"ARD under `{STANDARD}`\n[95 %]", "interval", digits=3),)
            if STANDARD in group.attacks
            else ()
        ),
        Column("worst_case_ard", "worst ARD\n[95 %]", "interval", worst_shown, digits=3),
        Column("worst_attack", "under", where=worst_shown),
        *metric_columns(group, everything=False),
        Column("clean_gain_percent", "clean gain %\n[95 %]", "interval"),
        *(
            Column(f"clean_gain_percent_{task}", f"gain %\n{task}", where="pages", digits=1)
            for task in group.setting.tasks
        ),
        Column(
            "flags", "flags", where="pages", note=explained(list(raised.values()), "its strongest white-box attack")
        ),
        Column("tier", "tier", where="pages" if group.has_tiers else "csv"),
        *(Column(f"ard:{attack}", attack, where="csv") for attack in group.attacks),
    )
    by = f"ARD under `{STANDARD}`, the standard evaluation" if STANDARD in group.attacks else "the worst ARD"
    note = " ".join([f"Ranked by {by}.", *common_notes(group)])
    return Board("models", f"Models: {group.title}", note, group.setting.scope, columns, tuple(rows))


def _ard(group: Group, model: str, attack: str) -> Cell:
    record = group.complete(model, attack)
    return record.degradation.ard if record else group.status(model, attack)


def _clean(group: Group, model: str) -> list[Cell]:
    scores = group.any_record(model).clean
    return [scores[task][metric.name] for task in group.setting.tasks for metric in metrics_of(task)]

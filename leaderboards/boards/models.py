"""The model board: what every model can do, and how much of it is left under the worst attack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...benchmark.protocol.facts import ModelFacts
from ...benchmark.protocol.records import Estimate, Record
from ...benchmark.stats import Bootstrapped, mean
from ..analysis.flags import explained, model_flags
from ..analysis.gain import task_gains
from ..analysis.group import INCOMPLETE, Group
from ..analysis.headline import ranked_scores, ranking_attacks, standard_of, worst_cases
from ..analysis.labels import Name
from ..analysis.ranking import Rank, ranks
from ..analysis.scores import tier_of
from .metric_columns import metric_columns
from .notes import common_notes, listed
from .table import Board, Column, Place, Value

MISSING = "not all attacks"
"""The status of a model that lacks records of attacks by which the others are ranked."""


@dataclass(frozen=True)
class Row:
    """A model with what the boards say of it; `record` is any of its own, for its clean scores.

    `rank` is None unless `status` is "complete", `worst` without a worst case, and `gains` empty without a twin.
    """

    model: str
    status: str
    facts: ModelFacts
    record: Record
    rank: Rank | None
    worst: tuple[str, Bootstrapped] | None
    gains: Mapping[str, Bootstrapped]
    flags: str | None
    tier: str


def model_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group, the most robust model first."""
    return [_board(group) for group in groups]


def _board(group: Group) -> Board:
    standard, raised = standard_of(group), model_flags(group)
    rows = _rows(group, {model: "; ".join(signs) or None for model, signs in raised.items()})
    other = any(row.worst and row.worst[0] != standard for row in rows)
    worst_shown: Place = "everywhere" if standard is None else "pages" if other else "csv"
    columns: list[Column[Row]] = [
        Column("rank", "rank", lambda row: row.rank),
        Column("model", "model", lambda row: Name(row.model)),
        Column("status", "status", lambda row: row.status, where="csv"),
        Column("sharing_index", "sharing\nindex", lambda row: row.facts.sharing_index),
        Column("training", "training", lambda row: group.training(row.model)),
        Column("parameters", "parameters", lambda row: row.facts.parameters, where="csv"),
        *([_standard_column(group, standard)] if standard else []),
        Column(
            "worst_case_ard",
            "worst ARD\n[95 %]",
            lambda row: row.worst[1].estimate() if row.worst else _unranked(row.status),
            "interval",
            worst_shown,
            digits=3,
        ),
        Column("worst_attack", "under", lambda row: Name(row.worst[0]) if row.worst else None, where=worst_shown),
        *metric_columns(group, lambda row: row.record.clean, everything=False),
        Column("clean_gain_percent", "clean gain %\n[95 %]", _mean_gain, "interval"),
        *(
            Column(f"clean_gain_percent_{task}", f"gain %\n{task}", _gain(task), where="pages", digits=1)
            for task in group.setting.tasks
        ),
        Column(
            "flags",
            "flags",
            lambda row: row.flags,
            where="pages",
            note=explained(list(raised.values()), "its strongest white-box attack"),
        ),
        Column("tier", "tier", lambda row: row.tier, where="pages" if group.has_tiers else "csv"),
        *(Column(f"ard:{attack}", attack, _ard(group, attack), where="csv") for attack in group.attacks),
    ]
    by = f"ARD under `{standard}`, the standard evaluation" if standard else "the worst ARD"
    note = " ".join([f"Ranked by {by}.", *_not_counted(group), *common_notes(group)])
    return Board.of("models", f"Models: {group.title}", note, group.setting.scope, columns, rows)


def _rows(group: Group, flags: Mapping[str, str | None]) -> list[Row]:
    """The most robust model first, those that are not ranked last."""
    scores, worst = ranked_scores(group), worst_cases(group)
    rank = dict(zip(scores, ranks([*scores.values()], highest_first=False), strict=True))
    needed = [attack] if (attack := standard_of(group)) else ranking_attacks(group)

    def status(model: str) -> str:
        if model in scores:
            return "complete"
        return INCOMPLETE if all((model, attack) in group.records for attack in needed) else MISSING

    return [
        Row(
            model=model,
            status=status(model),
            facts=group.facts(model),
            record=group.any_record(model),
            rank=rank.get(model),
            worst=worst.get(model),
            gains=task_gains(group, model) or {},
            flags=flags[model],
            tier=tier_of(group.records[model, attack] for attack in group.attacks if (model, attack) in group.records),
        )
        for model in sorted(group.models, key=lambda m: (m not in scores, scores[m].value if m in scores else 0, m))
    ]


def _standard_column(group: Group, standard: str) -> Column[Row]:
    title = f"ARD under `{standard}`\n[95 %]"
    return Column("standard_ard", title, lambda row: _ard(group, standard)(row) or row.status, "interval", digits=3)


def _unranked(status: str) -> str:
    """What stands in place of a worst case: some models are ranked, by the standard evaluation, without one."""
    return INCOMPLETE if status == "complete" else status


def _ard(group: Group, attack: str) -> Callable[[Row], Value]:
    def value(row: Row) -> Value:
        record = group.complete(row.model, attack)
        return record.degradation.ard if record else group.status(row.model, attack)

    return value


def _mean_gain(row: Row) -> Estimate | None:
    return mean([*row.gains.values()]).estimate() if row.gains else None


def _gain(task: str) -> Callable[[Row], Value]:
    return lambda row: row.gains[task].estimate() if row.gains else None


def _not_counted(group: Group) -> list[str]:
    """A sentence on the attacks that are too new to rank anybody by."""
    new = [attack for attack in group.attacked if attack not in ranking_attacks(group)]
    return [f"Not counted, as evaluated on no more than half of the models: {listed(new)}."] if new else []

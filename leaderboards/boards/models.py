"""The model board: what every model can do, and how much of it is left under the worst attack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...benchmark.protocol.estimates import Estimate
from ...benchmark.protocol.facts import ModelFacts
from ...benchmark.protocol.records import Record
from ...benchmark.stats import Bootstrapped, mean
from ..analysis.flags import Flags, Raised, counted, explained, model_flags
from ..analysis.gain import task_gains
from ..analysis.group import INCOMPLETE, Group
from ..analysis.headline import (
    BestKnown,
    best_known,
    breaking,
    headline_attack,
    ranked_scores,
    standard_of,
    worst_cases,
)
from ..analysis.labels import Name
from ..analysis.ranking import Rank, ranks
from ..analysis.scores import tier_of
from .metric_columns import attacked_columns, metric_columns
from .notes import common_notes, listed
from .table import Board, Column, Place, Value
from .values import ard_of

NOT_UNDER_ALL_ATTACKS = "not all attacks"
"""The status of a model that lacks records of attacks by which the others are ranked."""


@dataclass(frozen=True)
class Row:
    """A model with what the boards say of it; `record` is any of its own, for its clean scores.

    `rank` is None unless `status` is "complete"; `worst` is the worst case over `worst_attack` and the others, or why
    there is none; `gains` are empty without a twin.
    """

    model: str
    status: str
    facts: ModelFacts
    record: Record
    rank: Rank | None
    worst: Estimate | str
    worst_attack: Name | None
    best: BestKnown | None
    gains: Mapping[str, Bootstrapped]
    flags: tuple[Raised, ...] | None
    tier: str


def ranked_by(board: Board) -> str:
    """The column with the numbers that a board of models is ranked by."""
    return next(column.name for column in board.columns if column.name in ("standard_ard", "worst_case_ard"))


def model_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group, the most robust model first."""
    return [group.once(_board) for group in groups]


def _board(group: Group) -> Board:
    standard, raised, shown = standard_of(group), model_flags(group), headline_attack(group)
    rows = _rows(group, raised)
    other = any(row.worst_attack and row.worst_attack.text != standard for row in rows)
    stronger = any(row.best and row.best.attack != standard for row in rows)
    worst_shown: Place = "everywhere" if standard is None else "pages" if other else "csv"
    columns: list[Column[Row]] = [
        Column("rank", "rank", lambda row: row.rank, "rank"),
        Column("model", "model", lambda row: Name(row.model), names_of="model"),
        Column("status", "status", lambda row: row.status, where="csv"),
        *([_standard_column(group, standard)] if standard else []),
        Column(
            "worst_case_ard",
            "worst ARD\n[95 %]",
            lambda row: row.worst,
            "interval",
            worst_shown,
            digits=3,
            draws=True,
            low_is_better=True,
        ),
        Column("worst_attack", "under", lambda row: row.worst_attack, where=worst_shown, names_of="attack"),
        Column("training", "training", lambda row: group.training(row.model)),
        Column("sharing_index", "sharing\nindex", lambda row: row.facts.sharing_index),
        Column("parameters", "parameters", lambda row: row.facts.parameters, where="csv", low_is_better=True),
        *(_best_known_columns(standard, "pages" if stronger else "csv") if standard else []),
        *metric_columns(group, lambda row: row.record.clean, everything=False),
        *(
            attacked_columns(group, lambda row: group.records.get((row.model, shown)), f"under `{shown}`")
            if shown
            else ()
        ),
        Column("clean_gain_percent", "clean gain %\n[95 %]", _mean_gain, "interval", draws=True),
        *(
            Column(f"clean_gain_percent_{task}", f"gain %\n{task}", _gain(task), where="csv", digits=1)
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
    broken = {model: found for model in group.models if (found := breaking(group, model))}
    by = f"ARD under `{standard}`, the standard evaluation" if standard else "the worst ARD"
    note = " ".join(
        [f"Ranked by {by}.", *_broken(broken), *_not_counted(group), *_measured(group), *common_notes(group)]
    )
    return Board.of("models", f"Models: {group.title}", note, group.setting.scope, columns, rows)


def _rows(group: Group, flags: Mapping[str, Flags]) -> list[Row]:
    """The most robust model first, those that are not ranked last."""
    scores, cases = ranked_scores(group), worst_cases(group)
    of_model: dict[str, list[Record]] = {}
    for (model, _), record in group.records.items():
        of_model.setdefault(model, []).append(record)
    rank = dict(zip(scores, ranks([*scores.values()], highest_first=False), strict=True))
    ranking = [attack] if (attack := standard_of(group)) else group.core.attacks
    rows = []
    for model in sorted(group.models, key=lambda m: (m not in scores, scores[m].value if m in scores else 0, m)):
        worst, record = cases.get(model), group.any_record(model)
        rows.append(
            Row(
                model=model,
                status="complete" if model in scores else _what_lacks(group, model, ranking),
                facts=group.facts(model),
                record=record,
                rank=rank.get(model),
                worst=worst.score.estimate() if worst else _what_lacks(group, model, group.core.attacks),
                worst_attack=Name(worst.attack) if worst else None,
                best=best_known(group, model),
                gains=task_gains(group, model) or {},
                flags=counted([flags[model]]),
                tier=tier_of(of_model.get(model, [record])),
            )
        )
    return rows


def _standard_column(group: Group, standard: str) -> Column[Row]:
    ard, title = _ard(group, standard), f"ARD under `{standard}`\n[95 %]"
    return Column(
        "standard_ard",
        title,
        lambda row: ard(row) if row.rank else row.status,
        "interval",
        digits=3,
        draws=True,
        low_is_better=True,
    )


def _best_known_columns(standard: str, where: Place) -> list[Column[Row]]:
    return [
        Column(
            "best_known_ard",
            "best known\n[95 %]",
            lambda row: row.best.score.estimate() if row.best else None,
            "interval",
            where,
            digits=3,
            low_is_better=True,
        ),
        Column(
            "best_known_attack",
            "under",
            lambda row: Name(row.best.attack) if row.best else None,
            where=where,
            names_of="attack",
        ),
        Column(
            "standard_share",
            f"`{standard}` /\nbest known",
            lambda row: row.best.share.estimate() if row.best and row.best.share else None,
            where=where,
            digits=3,
            note=f"Best known: the highest ARD of any record of the model, of which that of `{standard}` is a share.",
        ),
    ]


def _what_lacks(group: Group, model: str, attacks: Sequence[str]) -> str:
    """Why a model has no number over these attacks: a record is missing, or a score undefined."""
    evaluated = attacks and all((model, attack) in group.records for attack in attacks)
    return INCOMPLETE if evaluated or breaking(group, model) else NOT_UNDER_ALL_ATTACKS


def _ard(group: Group, attack: str) -> Callable[[Row], Value]:
    return lambda row: ard_of(group.records.get((row.model, attack)))


def _mean_gain(row: Row) -> Estimate | None:
    return mean([*row.gains.values()]).estimate() if row.gains else None


def _gain(task: str) -> Callable[[Row], Value]:
    return lambda row: row.gains[task].estimate() if row.gains else None


def _measured(group: Group) -> list[str]:
    """A sentence on the models whose sharing index is of another kind than the others'."""
    models = [model for model in group.models if group.facts(model).sharing_measured]
    return [f"Sharing measured over all parameters, heads too, and not by blocks: {listed(models)}."] if models else []


def _broken(broken: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence on the models that are not ranked on what is left of them."""
    told = "; ".join(f"{model} under {listed([*attacks])}" for model, attacks in broken.items())
    return [f"Incomplete, as a score is undefined, and not ranked: {told}."] if told else []


def _not_counted(group: Group) -> list[str]:
    """A sentence on the attacks that the worst case leaves out, so that no model is judged by more than another."""
    new = [attack for attack in group.attacked if attack not in group.core.attacks]
    return [f"Not on all of the models, and so left out of the worst ARD: {listed(new)}."] if new else []

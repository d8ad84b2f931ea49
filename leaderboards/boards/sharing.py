"""Does sharing help or hurt? Rank correlations with the sharing index, and what lies between its two ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ...benchmark.stats import Bootstrapped, mean
from ..analysis.correlation import Correlation
from ..analysis.families import Family, families
from ..analysis.group import Group
from ..analysis.labels import Name
from ..analysis.scores import ratio, task_scores
from ..analysis.sharing import clean_gains, correlation, damages
from .notes import common_notes
from .table import Board, Column, Value

NOTE = (
    "Models that differ in layout and seed alone. Correlation: Spearman's, over layouts, of the sharing index (0 "
    "independent, 1 fully shared) with the clean gain, or with the ARD, of which each layout counts with the mean over "
    "its seeds; positive: more sharing means more gain, or more damage. p: the share of all orders of the layouts with "
    "a correlation as far from 0, uncorrected; all rows are about the same few networks. Shared / independent: the "
    "damage to the fully shared models over that to the independent ones, as ARD and by task"
)


CLEAN_GAIN = "clean gain"
"""What stands in place of an attack in the rows of the clean gain."""


@dataclass(frozen=True)
class Row:
    """A measure over the layouts of a family: the clean gain, or the damage under an attack.

    `correlation` is None for too few layouts, `ends` (shared over independent, as ARD and by task) without both ends,
    `by_seed`, the ratios of all pairings of seeds, with one pairing.
    """

    training: str
    measure: str | Name
    layouts: int
    correlation: Correlation | None
    ends: Bootstrapped | None
    by_task: Mapping[str, Bootstrapped | None]
    by_seed: str | None


def sharing_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group with models of several layouts, all of whose trainings are alike; the first explains all."""
    by_seed = (
        ", and for every pairing of their seeds; intervals are over images alone"
        if any(map(_has_seeds, groups))
        else ""
    )
    boards: list[Board] = []
    for group in groups:
        rows = [row for family in families(group) for row in _rows(group, family)]
        if rows:
            note = " ".join([*([] if boards else [f"{NOTE}{by_seed}."]), *common_notes(group)])
            boards.append(
                Board.of("sharing", f"Sharing: {group.title}", note, group.setting.scope, _columns(group), rows)
            )
    return boards


def _columns(group: Group) -> list[Column[Row]]:
    return [
        Column("training", "models", lambda row: row.training),
        Column("measure", "clean gain,\nor ARD under", lambda row: row.measure),
        Column("layouts", "layouts", lambda row: row.layouts, "count"),
        Column(
            "rank_correlation",
            "correlation\nwith sharing [95 %]",
            lambda row: row.correlation.rho.estimate() if row.correlation else None,
            "interval",
        ),
        Column("p", "p", lambda row: row.correlation.p if row.correlation else None, "count"),
        Column(
            "shared_to_independent",
            "shared /\nindependent [95 %]",
            lambda row: row.ends.estimate() if row.ends else None,
            "interval",
            digits=2,
        ),
        *(Column(f"shared_to_independent_{task}", task, _of_task(task), digits=2) for task in group.setting.tasks),
        Column(
            "shared_to_independent_by_seed",
            "by pairing\nof seeds",
            lambda row: row.by_seed,
            where="everywhere" if _has_seeds(group) else "csv",
        ),
    ]


def _of_task(task: str) -> Callable[[Row], Value]:
    def value(row: Row) -> Value:
        found = row.by_task.get(task)
        return found.estimate() if found else None

    return value


def _has_seeds(group: Group) -> bool:
    return any(len(models) > 1 for family in families(group) for models in family.layouts)


def _rows(group: Group, family: Family) -> list[Row]:
    """A family's rows, none if it has neither enough layouts to correlate nor both ends."""
    gains = clean_gains(group, family)
    trend = correlation(family, gains)
    rows = [Row(family.label, CLEAN_GAIN, _layouts(family, gains), trend, None, {}, None)] if trend else []
    for attack in group.attacked:
        scores = damages(group, family, attack)
        trend, ends = correlation(family, scores), _ends(family, scores)
        if trend or ends:
            rows.append(
                Row(
                    training=family.label,
                    measure=Name(attack),
                    layouts=_layouts(family, scores),
                    correlation=trend,
                    ends=ends,
                    by_task=_ends_by_task(group, family, attack, scores) if ends else {},
                    by_seed=_by_seed(group, family, scores),
                )
            )
    return rows


def _layouts(family: Family, scores: Mapping[str, Bootstrapped]) -> int:
    """How many layouts have a score."""
    return len(family.by_layout(scores)[0])


def _ends(family: Family, scores: Mapping[str, Bootstrapped]) -> Bootstrapped | None:
    """The mean score of the fully shared models over that of the independent ones, None without one of them."""
    shared, independent = (
        [scores[model] for model in models if model in scores] for models in (family.shared, family.independent)
    )
    return ratio(mean(shared), mean(independent)) if shared and independent else None


def _ends_by_task(group: Group, family: Family, attack: str, known: Collection[str]) -> dict[str, Bootstrapped | None]:
    """The same for D of every task, over the models that have a score."""
    models = [model for model in (*family.shared, *family.independent) if model in known]
    records = [group.records[model, attack] for model in models]
    return {
        task: _ends(family, dict(zip(models, task_scores([(of, task) for of in records]), strict=True)))
        for task in group.setting.tasks
    }


def _by_seed(group: Group, family: Family, scores: Mapping[str, Bootstrapped]) -> str | None:
    """The same for every fully shared model over every independent one, from the smallest, where there are several."""
    shared, independent = (
        [scores[model].value for model in models if model in scores] for models in (family.shared, family.independent)
    )
    found = sorted(one / other for one in shared for other in independent if other > 0)
    return ", ".join(f"{times:.2f}" for times in found) if len(found) > 1 else None

"""Does sharing help or hurt? Rank correlations with the sharing index, and what lies between its two ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...benchmark.stats import Bootstrapped
from ..analysis.correlation import Correlation
from ..analysis.families import Family, families
from ..analysis.group import Group
from ..analysis.labels import Name
from ..analysis.sharing import clean_gains, correlation, damages, ends_by_task, pairings, shared_to_independent
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
        trend, ends = correlation(family, scores), shared_to_independent(family, scores)
        if trend or ends:
            rows.append(
                Row(
                    training=family.label,
                    measure=Name(attack),
                    layouts=_layouts(family, scores),
                    correlation=trend,
                    ends=ends,
                    by_task=ends_by_task(group, family, attack) if ends else {},
                    by_seed=said(pairings(family, scores)),
                )
            )
    return rows


def said(found: Sequence[float]) -> str | None:
    """The ratios of all pairings of seeds, if there is more than one."""
    return ", ".join(f"{times:.2f}" for times in found) if len(found) > 1 else None


def _layouts(family: Family, scores: Mapping[str, Bootstrapped]) -> int:
    """How many layouts have a score."""
    return len(family.by_layout(scores)[0])

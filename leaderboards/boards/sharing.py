"""Does sharing help or hurt? Rank correlations with the sharing index, and what lies between its two ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from ...benchmark.stats import Bootstrapped
from ..analysis.correlation import Correlation
from ..analysis.families import Family, families
from ..analysis.group import Group
from ..analysis.labels import Name
from ..analysis.sharing import Ends, clean_gains, correlation, damages, ends
from .notes import common_notes
from .table import Board, Column, Place, Value

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

    `correlation` is None for too few layouts, `ends` without both.
    """

    training: str
    measure: str | Name
    layouts: int
    correlation: Correlation | None
    ends: Ends | None


class HasEnds(Protocol):
    """The subject of a row with the columns of `ends_columns`."""

    @property
    def ends(self) -> Ends | None: ...


R = TypeVar("R", bound=HasEnds)


def sharing_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group with models of several layouts, all of whose trainings are alike; the first explains all."""
    by_seed = (
        ", and for every pairing of their seeds; intervals are over images alone"
        if any(map(_has_seeds, groups))
        else ""
    )
    boards: list[Board] = []
    for group in groups:
        board = group.once(_board)
        if board.rows:
            boards.append(board if boards else replace(board, note=f"{NOTE}{by_seed}. {board.note}".rstrip()))
    return boards


def _board(group: Group) -> Board:
    rows = [row for family in families(group) for row in _rows(group, family)]
    note = " ".join(common_notes(group))
    return Board.of("sharing", f"Sharing: {group.title}", note, group.setting.scope, _columns(group), rows)


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
        *ends_columns(
            "shared_to_independent",
            "shared_to_independent_by_seed",
            group.setting.tasks,
            "everywhere" if _has_seeds(group) else "csv",
        ),
    ]


def ends_columns(
    ratio: str,
    pairings: str,
    tasks: Sequence[str],
    where: Place = "everywhere",
    on_pages: Callable[[str], bool] = lambda task: True,
) -> list[Column[R]]:
    """Shared over independent as ARD, `ratio` in a CSV, by task, `ratio`_TASK, and for all `pairings` of seeds.

    `where` the pairings stand; tasks that are not `on_pages` stand in a CSV alone.
    """

    def place(task: str) -> Place:
        return "everywhere" if on_pages(task) else "csv"

    def of_task(task: str) -> Callable[[R], Value]:
        return lambda row: row.ends.by_task[task].estimate() if row.ends and task in row.ends.by_task else None

    return [
        Column(
            ratio,
            "shared /\nindependent [95 %]",
            lambda row: row.ends.ratio.estimate() if row.ends else None,
            "interval",
            digits=2,
        ),
        *(Column(f"{ratio}_{task}", task, of_task(task), where=place(task), digits=2) for task in tasks),
        Column(
            pairings, "by pairing\nof seeds", lambda row: _said(row.ends.pairings) if row.ends else None, where=where
        ),
    ]


def _said(pairings: Sequence[float]) -> str | None:
    """All ratios, if there is more than one."""
    return ", ".join(f"{times:.2f}" for times in pairings) if len(pairings) > 1 else None


def _has_seeds(group: Group) -> bool:
    return any(len(models) > 1 for family in families(group) for models in family.layouts)


def _rows(group: Group, family: Family) -> list[Row]:
    """A family's rows, none if it has neither enough layouts to correlate nor both ends."""
    gains = clean_gains(group, family)
    trend = correlation(family, gains)
    rows = [Row(family.label, CLEAN_GAIN, _layouts(family, gains), trend, None)] if trend else []
    for attack in group.attacked:
        scores = damages(group, family, attack)
        trend, both = correlation(family, scores), ends(group, family, attack)
        if trend or both:
            rows.append(Row(family.label, Name(attack), _layouts(family, scores), trend, both))
    return rows


def _layouts(family: Family, scores: Mapping[str, Bootstrapped]) -> int:
    """How many layouts have a score."""
    return len(family.by_layout(scores)[0])

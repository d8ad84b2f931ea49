"""The board of protected tasks: what sparing one costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...benchmark.stats import Bootstrapped
from ..analysis.group import Group
from ..analysis.labels import Name
from ..analysis.protection import UNPROTECTED, Curve, Spared, curves
from ..analysis.scores import ratio
from .notes import common_notes
from .table import Board, Column, Value

Point = tuple[Curve, Spared]
"""The subject of a row: what an attack does at one tau, or without protection."""


def protection_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group that has such curves."""
    return [_board(group, found) for group in groups if (found := curves(group))]


COLUMNS: tuple[Column[Point], ...] = (
    Column("model", "model", lambda of: Name(of[0].model)),
    Column("protected_task", "protected", lambda of: of[0].task),
    Column("attack", "attack", lambda of: Name(of[1].attack if of[1].tau is None else of[0].attack)),
    Column("tau", "tau", lambda of: of[1].tau, "count"),
    Column(
        "d_protected", "D of the protected task [95 %]", lambda of: of[1].protected.estimate(), "interval", digits=3
    ),
    Column(
        "share_protected",
        f"its share of {UNPROTECTED}'s",
        lambda of: _share(of, lambda point: point.protected),
        "interval",
        digits=3,
    ),
    Column(
        "share_others", "the others' share", lambda of: _share(of, lambda point: point.others), "interval", digits=3
    ),
)


def _board(group: Group, found: Sequence[Curve]) -> Board:
    points = [(curve, point) for curve in found for point in (*curve.points, curve.unprotected) if point is not None]
    plain = sorted({curve.unprotected.attack for curve in found if curve.unprotected})
    about = (
        f"Shares are of what {' and '.join(f'`{name}`' for name in plain) or UNPROTECTED} with the same settings does: "
        "to the protected task, and to the others on average."
    )
    note = " ".join([about, *common_notes(group)])
    return Board.of("protection", f"Protected tasks: {group.title}", note, group.setting.scope, COLUMNS, points)


def _share(of: Point, part: Callable[[Spared], Bootstrapped]) -> Value:
    """A part of the damage over the same without protection, None where that is missing."""
    curve, point = of
    return ratio(part(point), part(curve.unprotected)).estimate() if curve.unprotected else None

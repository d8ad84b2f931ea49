"""The board of protected tasks: what sparing one costs."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.groups import Group
from ..analysis.labels import Name
from ..analysis.protection import UNPROTECTED, Curve, curves
from ..analysis.scores import ratio
from .notes import common_notes
from .table import Board, Column


def protection_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group that has such curves."""
    return [_board(group, found) for group in groups if (found := curves(group))]


def _board(group: Group, found: list[Curve]) -> Board:
    rows = []
    for curve in found:
        whole = curve.unprotected
        for point in (*curve.points, *([whole] if whole else [])):
            shares = (
                (ratio(point.protected, whole.protected).estimate(), ratio(point.others, whole.others).estimate())
                if whole
                else (None, None)
            )
            attack = Name(curve.attack if point.tau is not None else UNPROTECTED)
            rows.append((Name(curve.model), curve.task, attack, point.tau, point.protected.estimate(), *shares))
    columns = (
        Column("model", "model"),
        Column("protected_task", "protected"),
        Column("attack", "attack"),
        Column("tau", "tau", "count"),
        Column("d_protected", "D of the protected task [95 %]", "interval", digits=3),
        Column("share_protected", "its share of dgba's", "interval", digits=3),
        Column("share_others", "the others' share", "interval", digits=3),
    )
    about = (
        f"Shares are of what `{UNPROTECTED}` with the same settings does: to the protected task, and to the others on "
        "average."
    )
    note = " ".join([about, *common_notes(group)])
    return Board("protection", f"Protected tasks: {group.title}", note, group.setting.scope, columns, tuple(rows))

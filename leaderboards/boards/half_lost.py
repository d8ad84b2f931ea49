"""The board of budgets at which models lose half."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.group import Group
from ..analysis.groups import headline
from ..analysis.half_lost import HALF, HalfLost, half_lost
from ..analysis.labels import Name
from ..analysis.sweeps import relatives
from ..analysis.trainings import training_label
from .notes import common_notes
from .table import Board, Column, Value

NOTE = (
    f"The eps, in 1/255, at which ARD reaches {HALF:g}: the larger, the more robust, whatever budget others choose. "
    "Between the budgets evaluated ARD is taken for a line in log eps; the interval is over images."
)


def half_lost_boards(groups: Sequence[Group]) -> list[Board]:
    """One board for all groups that differ in nothing but the budget and have attacks at three or more."""
    families = [family for group in groups if group is headline(family := relatives(group, groups))]
    return [_board(family, found) for family in families if (found := half_lost(family))]


def _board(family: Sequence[Group], found: Sequence[HalfLost]) -> Board:
    group = headline(family)
    columns: list[Column[HalfLost]] = [
        Column("attack", "attack", lambda row: Name(row.attack), names_of="attack"),
        Column("model", "model", lambda row: Name(row.model), names_of="model"),
        Column("sharing_index", "sharing\nindex", lambda row: group.facts(row.model).sharing_index, digits=2),
        Column("training", "training", lambda row: training_label(group.training(row.model)), where="pages"),
        Column("eps_of_half", "eps of half [95 %]", _shown, "interval", draws=True),
        Column("budgets", "budgets", lambda row: ", ".join(f"{eps:g}" for eps in row.budgets), where="pages"),
    ]
    scope = tuple(pair for pair in group.setting.scope if pair[0] != "eps_255")
    title = f"Half is lost at: {group.setting.title_of_any_budget}"
    return Board.of("half-lost", title, " ".join([NOTE, *common_notes(group)]), scope, columns, found)


def _shown(row: HalfLost) -> Value:
    if row.eps.value is None:
        return f"above {row.budgets[-1]:g}"
    return f"at most {row.budgets[0]:g}" if row.eps.value <= row.budgets[0] else row.eps

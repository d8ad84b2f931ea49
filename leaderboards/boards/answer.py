"""Does sharing hurt? One row per data set and training."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.answer import Answer
from .sharing import ends_columns
from .table import Board, Column

NOTE = (
    "Damage to the fully shared networks over damage to the independent ones of the same training under {attack}, as "
    "ARD and by the tasks that all have: above 1, sharing hurts. Intervals are 95 % over images alone; what another "
    "training would give shows in the last column, the ratio for every pairing of a fully shared with an independent "
    "network of other seeds."
)


def answer_board(found: Sequence[Answer]) -> Board | None:
    """The ratios of all data sets side by side; None if there are none."""
    if not found:
        return None
    tasks = list(dict.fromkeys(task for one in found for task in one.group.setting.tasks))
    of_some = {task for task in tasks for one in found if task not in one.group.setting.tasks}
    columns: list[Column[Answer]] = [
        Column("dataset", "images", lambda one: one.group.setting.dataset),
        Column("training", "models", lambda one: one.family.label),
        Column("attack", "attack", lambda one: one.attack, where="csv"),
        *ends_columns("ratio", "pairings", tasks, on_pages=lambda task: task not in of_some),
    ]
    return Board.of("answer", "Does sharing hurt?", NOTE.format(attack=f"`{found[0].attack.text}`"), (), columns, found)

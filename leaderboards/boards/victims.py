"""The attacked-task x victim-task board: what an attack on one task does to the others."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...benchmark.stats import mean
from ..analysis.groups import INCOMPLETE, Group, models_label
from ..analysis.labels import Name
from ..analysis.scores import in_order, task_scores
from .notes import common_notes, listed
from .table import Board, Cell, Column

USUAL = "pgd"
"""The optimizer whose board comes first."""


def victim_boards(groups: Sequence[Group]) -> list[Board]:
    """Per group and optimizer: the mean over the models of each training, then every model by itself."""
    boards = []
    for group in groups:
        own, notes = common_notes(group), {part.training(part.models[0]): common_notes(part) for part in group.parts}
        kinds = {kind for attack in group.attacks if (kind := _split(attack)[1])}
        for kind in sorted(kinds, key=lambda kind: (kind != USUAL, kind)):
            for part in group.parts:
                training = part.training(part.models[0])
                subject = f"mean of {models_label(training)}"
                boards.append(_board(part, kind, part.models, subject, training, notes[training]))
            boards += [_board(group, kind, (model,), model, group.training(model), own) for model in group.models]
    return [board for board in boards if board.rows]


def _split(attack: str) -> tuple[str, str]:
    """The task that a `single:<task>-<optimizer>` attack sees, and all that follows it; empty for other attacks."""
    found = re.fullmatch(r"single:([^-]+)-(.+)", attack)
    return (found[1], found[2]) if found else ("", "")


def _board(group: Group, kind: str, models: tuple[str, ...], subject: str, training: str, notes: list[str]) -> Board:
    by_task = {task: attack for attack in group.attacks for task, own in [_split(attack)] if own == kind}
    victims = group.setting.tasks

    def damage(attack: str, victim: str) -> Cell:
        records = [group.complete(model, attack) for model in models]
        complete = [record for record in records if record is not None]
        if len(complete) < len(records):
            return INCOMPLETE
        if len(complete) == 1:
            return complete[0].degradation.tasks[victim]
        return mean(task_scores([(record, victim) for record in complete])).estimate()

    rows = tuple(
        (task, Name(by_task[task]), *(damage(by_task[task], victim) for victim in victims))
        for task in in_order(by_task)
    )
    columns = (
        Column("attacked_task", "attacked task"),
        Column("attack", "attack"),
        *(Column(f"d_{victim}", f"{victim}", "interval") for victim in victims),
    )
    note = " ".join([f"Relative degradation of every victim task [95 %]. Over {listed(models)}.", *notes])
    scope = (*group.setting.scope, ("training", training), ("subject", subject), ("optimizer", kind))
    return Board("attacked-victim", f"{subject}, {kind}: {group.title}", note, scope, columns, rows)

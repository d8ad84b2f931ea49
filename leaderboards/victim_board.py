"""The attacked-task x victim-task board: what an attack on one task does to the others."""

from __future__ import annotations

from collections.abc import Sequence

from ..benchmark.stats import mean
from .board import INCOMPLETE, Board, Cell, Column, Name
from .groups import ADVERSARIAL, CLEAN, Group
from .notes import common_notes, listed
from .scores import in_order, task_score

PREFIX = "single:"


def victim_boards(groups: Sequence[Group]) -> list[Board]:
    """Per group: the mean over the models of each kind of training, then every model by itself."""
    boards = []
    for group in groups:
        parts = [part for training in (CLEAN, ADVERSARIAL) if (part := group.trained(training))]
        for part in parts:
            training = part.training(part.models[0])
            kind = "clean-trained" if training == CLEAN else training
            boards.append(_board(part, part.models, f"mean of {kind} models", training))
        boards += [_board(group, (model,), model, group.training(model)) for model in group.models]
    return [board for board in boards if board.rows]


def attacked_task(attack: str) -> str | None:
    """The task that a `single:<task>-<optimizer>` attack sees, None for every other attack."""
    return attack.removeprefix(PREFIX).split("-")[0] if attack.startswith(PREFIX) else None


def _board(group: Group, models: tuple[str, ...], subject: str, training: str) -> Board:
    single = [(attack, task) for attack in group.attacks if (task := attacked_task(attack))]
    order = in_order({task for _, task in single})
    single.sort(key=lambda pair: (order.index(pair[1]), pair[0]))
    tasks = group.setting.tasks

    def damage(attack: str, victim: str) -> Cell:
        records = [group.complete(model, attack) for model in models]
        complete = [record for record in records if record is not None]
        if len(complete) < len(records):
            return INCOMPLETE
        return mean([task_score(record, victim) for record in complete]).estimate()

    rows = tuple((task, Name(attack), *(damage(attack, victim) for victim in tasks)) for attack, task in single)
    columns = (
        Column("attacked_task", "attacked task"),
        Column("attack", "attack"),
        *(Column(f"d_{victim}", f"{victim}", "interval") for victim in tasks),
    )
    note = " ".join([f"Relative degradation of every victim task [95 %]. Over {listed(models)}.", *common_notes(group)])
    scope = (*group.setting.scope, ("training", training), ("subject", subject))
    return Board("attacked-victim", f"{subject}: {group.title}", note, scope, columns, rows)

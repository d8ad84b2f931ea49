"""The attacked-task x victim-task board: what an attack on one task does to the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...benchmark.protocol.facts import TRAIN
from ..analysis.group import Group
from ..analysis.labels import Name
from ..analysis.scores import task_scores
from ..analysis.trainings import models_label
from .notes import common_notes, listed
from .table import Board, Column, Value
from .values import mean_over, of_record

USUAL = ("single", "pgd")
"""The balancing and the optimizer whose board comes first."""


@dataclass(frozen=True)
class Kind:
    """Attacks after one task each that differ in nothing but the task; `attacks` are by the task."""

    title: str
    attacks: Mapping[str, str]


def victim_boards(groups: Sequence[Group]) -> list[Board]:
    """Per group and kind of attack: the mean over the models of each training, then every model by itself."""
    boards = []
    for group in groups:
        own, notes = common_notes(group), {part.training(part.models[0]): common_notes(part) for part in group.parts}
        for kind in _kinds(group):
            for part in group.parts:
                training = part.training(part.models[0])
                subject = f"mean of {models_label(training)}"
                boards.append(_board(part, kind, part.core.models, subject, training, notes[training]))
            boards += [_board(group, kind, (model,), model, group.training(model), own) for model in group.models]
    return [board for board in boards if board.rows]


def _kinds(group: Group) -> list[Kind]:
    """The kinds of attacks that are after one task and were run on several, those with the usual optimizer first."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for attack in group.attacks:
        facts = group.attack_facts(attack)
        if facts.kind == "product" and facts.task and not facts.spares:
            losses = "" if facts.losses == TRAIN else f"@{facts.losses}"
            title = f"{facts.optimizer}{losses}{attack.removeprefix(group.attack_name(attack))}"
            found.setdefault((facts.balancing or "", title), {})[facts.task] = attack
    order = sorted(found, key=lambda key: (key[0] != USUAL[0], key != USUAL, key))
    return [
        Kind(title if balancing == USUAL[0] else f"{balancing}, {title}", found[balancing, title])
        for balancing, title in order
        if len(found[balancing, title]) > 1
    ]


def _board(
    group: Group, kind: Kind, models: tuple[str, ...], subject: str, training: str, notes: Sequence[str]
) -> Board:
    present = [task for task in group.setting.tasks if kind.attacks.get(task) in group.attacks]
    columns: list[Column[str]] = [
        Column("attacked_task", "attacked task", lambda task: task),
        Column("attack", "attack", lambda task: Name(kind.attacks[task])),
        *(
            Column(f"d_{victim}", victim, _damage_to(group, kind, models, victim), "interval")
            for victim in group.setting.tasks
        ),
    ]
    note = " ".join([f"Relative degradation of every victim task [95 %]. Over {listed(models)}.", *notes])
    scope = (*group.setting.scope, ("training", training), ("subject", subject), ("optimizer", kind.title))
    return Board.of("attacked-victim", f"{subject}, {kind.title}: {group.title}", note, scope, columns, present)


def _damage_to(group: Group, kind: Kind, models: Sequence[str], victim: str) -> Callable[[str], Value]:
    """D of the victim under the attack on a task, the mean over models."""

    def value(task: str) -> Value:
        records = [group.records.get((model, kind.attacks[task])) for model in models]
        if len(records) == 1:
            return of_record(records[0], lambda record: record.degradation.tasks[victim])
        return mean_over(records, lambda found: task_scores([(record, victim) for record in found]))

    return value

"""The board of balancings by sets of losses."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.groups import Group
from ..analysis.labels import Name
from .notes import common_notes
from .table import Board, Cell, Column

TRAIN = "train"
"""The set of losses of an attack that names none."""


def losses_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group and model, of the attacks that occur with several sets of losses, the strongest first."""
    boards = []
    for group in groups:
        split = {attack: split_losses(attack) for attack in group.attacks}
        bases = [base for base, _ in split.values()]
        attacks = {attack: parts for attack, parts in split.items() if bases.count(parts[0]) > 1}
        boards += [_board(group, model, attacks) for model in group.models if attacks]
    return boards


def split_losses(attack: str) -> tuple[str, str]:
    """`dgba-pgd@margin [steps=5]` as `dgba-pgd [steps=5]` and `margin`."""
    name, bracket, settings = attack.partition(" [")
    base, _, losses = name.partition("@")
    return f"{base}{bracket}{settings}", losses or TRAIN


def _board(group: Group, model: str, attacks: dict[str, tuple[str, str]]) -> Board:
    rows: list[tuple[float, tuple[Cell, ...]]] = []
    for attack, (base, losses) in attacks.items():
        record = group.complete(model, attack)
        if record is None:
            rows.append((float("-inf"), (Name(base), losses, group.status(model, attack), None, None, None)))
        else:
            parts = record.degradation
            assert parts.ard.value is not None  # as of all complete records
            rows.append(
                (
                    parts.ard.value,
                    (Name(base), losses, parts.ard, parts.worst_task, parts.arlc, parts.least_loss),
                )
            )
    rows.sort(key=lambda row: (-row[0], str(row[1][0]), row[1][1]))
    columns = (
        Column("attack", "attack"),
        Column("losses", "losses"),
        *(
            Column(name, title, "interval", marks_highest=True)
            for name, title in (
                ("ard", "ARD [95 %]"),
                ("worst_task", "least hit task"),
                ("arlc", "ARLC"),
                ("least_loss", "least loss change"),
            )
        ),
    )
    note = " ".join(["Bold is the highest of its column.", *common_notes(group)])
    scope = (*group.setting.scope, ("model", model))
    return Board("losses", f"{model}: {group.title}", note, scope, columns, tuple(cells for _, cells in rows))

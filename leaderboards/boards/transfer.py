"""The transfer board: what was made on one model, scored on another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...benchmark.protocol.records import Record
from ..analysis.core import core
from ..analysis.group import Group
from ..analysis.labels import Name
from ..analysis.scores import ards
from .notes import common_notes, listed
from .table import Board, Column, Value
from .values import ard_of, mean_over

NOTE = (
    "ARD [95 %] of each model (column) under images made on each (row); where both are the same, the attack saw the "
    "model that it hit. The last column is the mean over the other models."
)


def transfer_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group and attack that was transferred."""
    return [
        _board(group, attack) for group in groups for attack in sorted({attack for _, _, attack in group.transfers})
    ]


def _board(group: Group, attack: str) -> Board:
    sources = {source for source, _, name in group.transfers if name == attack}
    hit = {target for _, target, name in group.transfers if name == attack}
    targets = [model for model in group.models if model in hit]
    subjects = [*(model for model in group.models if model in sources), *sorted(sources - {*group.models})]

    def record(source: str, target: str) -> Record | None:
        own = source == target
        return group.records.get((source, attack)) if own else group.transfers.get((source, target, attack))

    pairs = {(source, target) for source, target, name in group.transfers if name == attack}
    # No mean is over the model that the attack saw, so that its own record is never missed.
    from_all, over = core(subjects, targets, pairs | {(model, model) for model in targets})

    def ard_on(target: str) -> Callable[[str], Value]:
        return lambda source: ard_of(record(source, target))

    def elsewhere(source: str) -> Value:
        if source not in from_all:
            return None
        return mean_over([record(source, target) for target in over if target != source], ards)

    columns: list[Column[str]] = [
        Column("made_on", "made on", Name),
        *(Column(f"ard:{target}", f"`{target}`", ard_on(target), "interval") for target in targets),
        Column("elsewhere", "elsewhere", elsewhere, "interval"),
    ]
    left_out = [target for target in targets if target not in over]
    lacking = [f"Not under images made on all of them, and so in no mean: {listed(left_out)}."] if left_out else []
    note = " ".join([NOTE, *lacking, *common_notes(group)])
    scope = (*group.setting.scope, ("attack", attack))
    return Board.of("transfer", f"Transfer of {attack}: {group.title}", note, scope, columns, subjects)

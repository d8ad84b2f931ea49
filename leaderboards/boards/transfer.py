"""The transfer board: what was made on one model, scored on another."""

from __future__ import annotations

from collections.abc import Sequence

from ...benchmark.stats import mean
from ..analysis.groups import INCOMPLETE, Group
from ..analysis.labels import Name
from ..analysis.scores import ard, is_complete
from .notes import common_notes
from .table import Board, Cell, Column

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
    targets = {target for _, target, name in group.transfers if name == attack}
    names = [model for model in group.models if model in targets]
    rows = []
    for source in [model for model in group.models if model in sources] + sorted(sources - {*group.models}):
        found = [
            group.records.get((source, attack)) if source == target else group.transfers.get((source, target, attack))
            for target in names
        ]
        cells: list[Cell] = [
            None if record is None else record.degradation.ard if is_complete(record) else INCOMPLETE
            for record in found
        ]
        others = [record for target, record in zip(names, found, strict=True) if target != source]
        whole = [ard(record) for record in others if record and is_complete(record)]
        elsewhere = None if not others else mean(whole).estimate() if len(whole) == len(others) else INCOMPLETE
        rows.append((Name(source), *cells, elsewhere))
    columns = (
        Column("made_on", "made on"),
        *(Column(f"ard:{target}", f"`{target}`", "interval") for target in names),
        Column("elsewhere", "elsewhere", "interval"),
    )
    note = " ".join([NOTE, *common_notes(group)])
    scope = (*group.setting.scope, ("attack", attack))
    return Board("transfer", f"Transfer of {attack}: {group.title}", note, scope, columns, tuple(rows))

"""The board of balancings by sets of losses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...benchmark.protocol.estimates import Estimate
from ...benchmark.protocol.records import Degradation, Record
from ..analysis.group import Group
from ..analysis.labels import Name
from ..analysis.scores import is_complete
from .notes import common_notes
from .table import Board, Column, Value
from .values import ard_of


@dataclass(frozen=True)
class Row:
    """An attack but for its losses, these, and its record on the board's model, if there is one."""

    attack: str
    losses: str
    record: Record | None

    @property
    def ard(self) -> float:
        """What rows stand by: of what has no ARD, nothing is known."""
        value = self.record.degradation.ard.value if self.record else None
        return float("-inf") if value is None else value


def _if_complete(part: Callable[[Degradation], Estimate]) -> Callable[[Row], Value]:
    return lambda row: part(row.record.degradation) if row.record and is_complete(row.record) else None


COLUMNS: tuple[Column[Row], ...] = (
    Column("attack", "attack", lambda row: Name(row.attack)),
    Column("losses", "losses", lambda row: row.losses),
    Column("ard", "ARD [95 %]", lambda row: ard_of(row.record), "interval", marks_highest=True),
    *(
        Column(name, title, _if_complete(part), "interval", marks_highest=True)
        for name, title, part in (
            ("worst_task", "least hit task", lambda degradation: degradation.worst_task),
            ("arlc", "ARLC", lambda degradation: degradation.arlc),
            ("least_loss", "least loss change", lambda degradation: degradation.least_loss),
        )
    ),
)


def losses_boards(groups: Sequence[Group]) -> list[Board]:
    """One board per group and model, of the attacks that occur with several sets of losses, the strongest first."""
    boards = []
    for group in groups:
        bases = {attack: _without_losses(group, attack) for attack in group.attacks}
        counts = Counter(bases.values())
        shown = {attack: base for attack, base in bases.items() if counts[base] > 1}
        boards += [_board(group, model, shown) for model in group.models if shown]
    return boards


def _without_losses(group: Group, attack: str) -> str:
    """An attack's label without the set of losses that it ascends."""
    name, facts = group.attack_name(attack), group.attack_facts(attack)
    base = name.removesuffix(f"@{facts.losses}") if facts.kind != "ensemble" else name
    return f"{base}{attack.removeprefix(name)}"


def _board(group: Group, model: str, bases: Mapping[str, str]) -> Board:
    rows = [
        Row(base, group.attack_facts(attack).losses, group.records.get((model, attack)))
        for attack, base in bases.items()
    ]
    rows.sort(key=lambda row: (-row.ard, row.attack, row.losses))
    note = " ".join(["Bold is the highest of its column.", *common_notes(group)])
    scope = (*group.setting.scope, ("model", model))
    return Board.of("losses", f"{model}: {group.title}", note, scope, COLUMNS, rows)

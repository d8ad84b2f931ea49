"""The boards on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..leaderboards.analysis.group import Group
from ..leaderboards.analysis.labels import Name
from ..leaderboards.analysis.names import CONTROL
from ..leaderboards.boards.attacks import attack_boards
from ..leaderboards.boards.models import model_boards
from ..leaderboards.output.render import terminal
from .terminal import echo, width

TOP = 20
INTERVALS = (
    "Intervals [low, high] are over images: 95 % of what other images of the same kind would give. They say nothing of "
    "other seeds, of a training or of an attack, nor of other models or data."
)


def echo_boards(groups: Sequence[Group], out: Path) -> None:
    """Print the attack boards, of long ones the top and the controls, and the model boards; `out` holds all of them."""
    for board in attack_boards(groups):
        rows = tuple(
            row
            for i, row in enumerate(board.rows)
            if i < TOP or any(isinstance(cell, Name) and cell.remark == CONTROL for cell in row)
        )
        echo(f"\n{terminal(replace(board, rows=rows), width())}")
        if len(rows) < len(board.rows):
            echo(f"... and {len(board.rows) - len(rows)} more: see {out}")
    for board in model_boards(groups):
        echo(f"\n{terminal(board, width())}")
    echo(f"{INTERVALS}\n")

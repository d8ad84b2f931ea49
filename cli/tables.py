"""The boards on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..benchmark.protocol.records import Record
from ..leaderboards.attack_board import attack_boards
from ..leaderboards.groups import group
from ..leaderboards.model_board import model_boards
from ..leaderboards.render import terminal


def echo_boards(records: Sequence[Record]) -> None:
    """Print the attack boards and the model boards of the records."""
    groups = group(records)
    for board in (*attack_boards(groups), *model_boards(groups)):
        click.echo(f"\n{terminal(board)}")

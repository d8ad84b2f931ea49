"""The boards in the project's README, between two markers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.files import write_atomically
from ..benchmark.protocol.records import Record
from .attack_board import attack_boards
from .groups import group
from .model_board import model_boards
from .pages import headline, picture
from .plots import TRADEOFF
from .render import markdown
from .tradeoff import points

BEGIN, END = "<!-- boards:begin -->", "<!-- boards:end -->"
PUBLISHED = "leaderboards/published/"
TOP = 5


def with_boards(text: str, records: Sequence[Record], published: str = PUBLISHED) -> str:
    """A README's text with the headline's trade-off plot, top attacks and models between the markers.

    `published` is the folder of the published files as the README sees it. Raises BadInputError without the markers.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BadInputError(f"the README lacks the markers {BEGIN} and {END}; add them where the boards shall stand")
    part = headline(group(records))
    shown = [f"{picture(TRADEOFF, published)}\n"] if points(part) else []
    for board in attack_boards([part]):
        tasks = [f"d_{task}" for task in part.setting.tasks]
        top = board.top(TOP).pick("rank", "attack", "ard", "worst_task", *tasks, "backwards")
        shown.append(markdown(top, level=3))
    shown += [markdown(board, level=3) for board in model_boards([part])]
    shown.append(f"All boards, as tables and CSV: [{published}]({published}README.md)\n")
    return "\n".join([f"{before}{BEGIN}\n", *shown, f"{END}{after}"])


def update_readme(readme: Path, records: Sequence[Record]) -> None:
    """Replace the text between a README's markers; raises BadInputError if it has none."""
    text = readme.read_text(encoding="utf-8")
    write_atomically(readme, with_boards(text, records).encode())

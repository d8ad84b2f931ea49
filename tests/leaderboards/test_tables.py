"""Tables: their first rows, rows by value, and names in a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.boards import table
from helpers.make_records import all_records

from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.labels import Name
from mtrbench.leaderboards.boards.attacks import attack_boards
from mtrbench.leaderboards.boards.notes import LISTED, listed


def test_the_top_of_a_board_says_of_how_many_rows():
    board = attack_boards(group(all_records()))[0]
    assert board.top(len(board.rows)) is board
    assert board.top(3).rows == board.rows[:3]
    assert board.top(3).note == f"{board.note} The first 3 of {len(board.rows)} rows."


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (LISTED, LISTED), (LISTED + 1, LISTED + 1), (LISTED + 2, LISTED)])
def test_many_names_are_counted(count, shown):
    text = listed([f"model{i}" for i in range(count)])
    assert text.count("`") == 2 * shown
    assert text.endswith(f" and {count - shown} others") == (shown < count)


def test_the_first_rows_of_each_value_stay_in_their_order():
    rows = tuple((training, Name(f"m{i}")) for i, training in enumerate("abaabb"))
    board = table(("training", "model"), rows, note="Note.")
    found = board.top_of_each("training", 2)
    assert [name.text for name in found.column("model")] == ["m0", "m1", "m2", "m4"]
    assert found.note == "Note. The first 2 of every training, of 6 rows in all."
    assert board.top_of_each("training", 3) == board
    assert board.only("training", ("a",)).column("training") == ("a",) * 3


def test_a_board_of_the_wrong_width_cannot_be_made():
    board = table(("a", "b"), [(1, 2)])
    with pytest.raises(ValueError, match="a value for each of 2 columns"):
        replace(board, rows=((1,),))

"""Boards as JSON and LaTeX: JSON holds the whole board, LaTeX no order that a name gave."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from helpers.boards import table
from helpers.make_records import MODELS, all_records, make_record, protected_records

from mtrbench.benchmark.protocol.estimates import Estimate
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.labels import Name
from mtrbench.leaderboards.analysis.ranking import Rank
from mtrbench.leaderboards.boards.attacks import attack_boards
from mtrbench.leaderboards.boards.models import model_boards
from mtrbench.leaderboards.boards.protection import protection_boards
from mtrbench.leaderboards.output.latex import to_latex
from mtrbench.leaderboards.output.render import markdown, notes, texts, to_json


def rounded(value):
    return float(f"{value:.6g}") if isinstance(value, float) else value


def cell(found):
    """A cell of a board from its JSON."""
    match found:
        case {"best": best, "worst": worst}:
            return Rank(best, worst)
        case {"name": text, "remark": remark}:
            return Name(text, remark)
        case {"value": value, "low": low, "high": high}:
            return Estimate(value=value, low=low, high=high)
        case _:
            return found


def six_digits(part):
    if isinstance(part, Estimate):
        return Estimate(value=rounded(part.value), low=rounded(part.low), high=rounded(part.high))
    return rounded(part)


@pytest.fixture(scope="module")
def boards():
    undefined = make_record(attack="mgda-pgd", damage={"segmentation": None, "depth": 1.0, "normals": 1.0})
    groups = group([*all_records(), undefined])
    protected = group(protected_records(list(MODELS)[:1]))
    return [*attack_boards(groups), *model_boards(groups), *protection_boards(protected)]


def test_json_is_the_board(boards):
    found = json.loads(to_json(boards))
    assert len(found) == len(boards)
    for text, board in zip(found, boards, strict=True):
        assert (text["board"], text["title"], text["notes"]) == (board.name, board.title, notes(board))
        assert text["scope"] == dict(board.scope)
        assert [column["name"] for column in text["columns"]] == [column.name for column in board.columns]
        rows = tuple(tuple(cell(part) for part in row) for row in text["rows"])
        assert rows == tuple(tuple(six_digits(part) for part in row) for row in board.rows)


def test_json_has_a_row_a_line(boards):
    lines = to_json(boards[:1]).splitlines()
    assert sum(line.startswith("[") and len(line) > 9 for line in lines) == len(boards[0].rows)


def test_latex_has_every_row_and_every_number(boards):
    for board in boards:
        shown = board.where("everywhere", "pages")
        body = to_latex([board]).partition("\\midrule\n")[2].partition("\\bottomrule")[0].splitlines()
        assert len(body) == len(shown.rows)
        for line, written in zip(body, texts(shown), strict=True):
            cells = line.removesuffix(" \\\\").split(" & ")
            assert len(cells) == len(shown.columns)
            assert [c for c, w in zip(cells, written, strict=True) if re.match(r"\d", w)] == [
                w.replace("%", r"\%") for w in written if re.match(r"\d", w)
            ]


def test_a_wide_board_is_several_tables():
    names = ["attack", *(f"model{number}" for number in range(23))]
    row = (Name("dgba-pgd"), *(number + 0.5 for number in range(23)))
    board = table(names, (row,))
    tables = [line for line in markdown(board).splitlines() if line.startswith("| attack")]
    assert len(tables) == to_latex([board]).count("\\begin{table}") == 3
    shown = re.findall(r"model\d+", "".join(tables))
    assert shown == names[1:]
    assert markdown(board).count("`dgba-pgd`") == 3
    assert markdown(table(names[:20], (row[:20],))).count("`dgba-pgd`") == 1


UGLY = r"\input{/etc/passwd} $x_1^2$ #1 & 100 % ~ {a} \\[2em]"


def test_latex_takes_no_order_from_a_name():
    rows = ((Name(UGLY, UGLY), "1"), ("[x]", "2"), ("*", "3"))
    text = to_latex([table([("attack", UGLY), "n"], rows, title=UGLY)])
    plain = text
    for order in (r"\\textbackslash\{\}", r"\\textascii\w+\{\}", r"\\[&%$#_{}]"):
        plain = re.sub(order, "", plain)
    # What is left are our own orders, and every brace of ours has its partner.
    assert set(re.findall(r"\\[a-z]+", plain)) == {
        *(
            rf"\{name}"
            for name in ("begin", "end", "centering", "caption", "toprule", "midrule", "bottomrule", "texttt")
        )
    }
    assert plain.count("{") == plain.count("}")
    assert not set("$#^~%_") & set(plain)
    assert "\n{[}x] & 2 \\\\\n{*} & 3 \\\\\n" in text
    rows = text.splitlines()
    assert [row.count(" & ") for row in rows[5:6] + rows[7:10]] == [1] * 4


def test_latex_of_a_board_without_rows():
    empty = table(["model"])
    assert to_latex([empty]).count("\\\\\n") == 1
    assert json.loads(to_json([replace(empty, note="n")]))[0]["rows"] == []

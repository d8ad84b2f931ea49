"""Bars of damage by task on a page: their lengths, their intervals, and which rows have some."""

from __future__ import annotations

import pytest
from helpers.make_records import TASKS, all_records, make_record

from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.boards.pairs import pair_board
from mtrbench.leaderboards.site.bars import FIRST, chart


def test_bars_are_as_long_as_the_damage_and_hold_the_interval():
    (part,) = group(all_records())
    board = pair_board(part, [pair for pair in part.records if pair[0] == part.models[0]], "attack", {})
    found = chart(board, TASKS)
    assert len(found.parts) == FIRST + 1  # and the control
    by_name = dict(zip((cell.text for cell in board.column("attack")), range(len(board.rows)), strict=True))
    scales = []
    for part_ in found.parts:
        for bar in part_.bars:
            estimate = board.column(f"d_{bar.task}")[by_name[part_.name]]
            assert bar.x == found.zero
            assert bar.ends[0] <= bar.x + bar.width <= bar.ends[1]
            if estimate.value > 0.5:
                scales.append(bar.width / estimate.value)
    assert scales == pytest.approx([scales[0]] * len(scales), rel=0.01)


def test_bars_show_models_of_every_training():
    trainings = {f"{kind}{number}": kind for kind in ("clean", "total") for number in range(6)}
    records = [
        make_record(model, damage=dict.fromkeys(TASKS, 1.0 if kind == "clean" else 0.1))
        for model, kind in trainings.items()
    ]
    (part,) = group(records)
    found = chart(pair_board(part, list(part.records), "model", {}), TASKS, trainings)
    assert [trainings[bars.name] for bars in found.parts] == ["clean"] * 4 + ["total"] * 4


def test_bars_of_negative_damage_end_at_zero():
    (part,) = group([make_record(damage={"segmentation": -0.2, "depth": 0.4, "normals": 0.1})])
    found = chart(pair_board(part, list(part.records), "attack", {}), TASKS)
    first = found.parts[0].bars[0]
    assert first.x + first.width == pytest.approx(found.zero)
    assert first.x < found.zero


@pytest.mark.parametrize("damage", [0.0, 1e-9, 1e6])
def test_odd_damage_can_be_drawn(damage):
    (part,) = group([make_record(damage=dict.fromkeys(TASKS, damage))])
    found = chart(pair_board(part, list(part.records), "attack", {}), TASKS)
    assert 1 <= len(found.ticks) <= 8

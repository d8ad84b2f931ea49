"""Dots: in the order of what they stand for, whatever the numbers."""

from __future__ import annotations

import pytest
from helpers.make_records import MODELS, TASKS, all_records, make_record

from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.site.scatter import BOTTOM, LEFT, RIGHT, TOP, scatter


def test_dots_lie_as_their_numbers_do() -> None:
    (part,) = group(all_records())
    found = scatter(part)
    assert found is not None
    assert {dot.model for dot in found.dots} == set(MODELS)
    scores = {model: part.ard(model, found.attack) for model in MODELS}
    by_damage = sorted(found.dots, key=lambda dot: scores[dot.model].value)  # type: ignore[union-attr]
    assert [dot.y for dot in by_damage] == sorted((dot.y for dot in found.dots), reverse=True)
    shared, apart = ([dot.by_sharing for dot in found.dots if kind in dot.model] for kind in ("shared", "independent"))
    assert max(apart) < min(shared)
    for dot in found.dots:
        assert LEFT <= dot.by_sharing <= RIGHT
        assert TOP <= dot.y <= BOTTOM
        assert f"under {found.attack}" in dot.text
    assert {dot.colour for dot in found.dots} == {0, 1}


@pytest.mark.parametrize("damages", [(0.0, 0.0, 0.0), (-0.5, 0.0, 2.0), (1e-9, 1.0, 1e6)])
def test_odd_damage_has_a_place(damages: tuple[float, ...]) -> None:
    models = [*MODELS][:3]
    records = [make_record(of, damage=dict.fromkeys(TASKS, d)) for of, d in zip(models, damages, strict=True)]
    (part,) = group(records)
    found = scatter(part)
    assert found is not None
    assert all(TOP <= dot.y <= BOTTOM for dot in found.dots)
    assert [text for _, text in found.damages]


def test_one_layout_makes_no_scatter() -> None:
    (part,) = group([make_record(f"m{i}", facts={"sharing_index": 1.0}) for i in range(4)])
    assert scatter(part) is None

"""The picture of the layouts: its examples are those of the zoo."""

from __future__ import annotations

import pytest

from mtrbench.leaderboards.plots.layouts import EXAMPLES, TASKS, layouts
from mtrbench.leaderboards.plots.style import DARK, DARK_PAGE
from mtrbench.models.registry import CardModel, find_model


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_layouts_of_the_zoo(name: str) -> None:
    found = find_model(f"rooms3-{name}.clean")
    assert isinstance(found, CardModel)
    assert {*found.card.tasks} == {*TASKS}
    blocks = [{frozenset(part.split()) for part in line.split("|")} for line in found.card.architecture.layout or ()]
    assert [{frozenset(group) for group in groups} for groups in EXAMPLES[name][1]] == blocks != []


def test_a_dark_page_gets_the_same_picture_in_other_colours() -> None:
    light, dark = (layouts()[kind].decode() for kind in ("svg", DARK))
    assert str(DARK_PAGE["figure.facecolor"]) in dark
    assert str(DARK_PAGE["figure.facecolor"]) not in light
    assert light.count("<path") == dark.count("<path")
    assert light.count("<text") == dark.count("<text")

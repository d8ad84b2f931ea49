"""Words in pictures, and what heat maps show."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.make_records import TASKS, all_records, make_record, many_records

from mtrbench.leaderboards.analysis.families import families
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.words import layout_words
from mtrbench.leaderboards.plots.attacks_models import most_damaging, shown_models
from mtrbench.leaderboards.plots.heatmap import CROWD, LEAST, MOST, SCALE, short
from mtrbench.leaderboards.plots.tradeoff import finding


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("single:depth-pgd", "depth alone, PGD"),
        ("total-fgsm", "sum of losses, one step"),
        ("dgba:clean-pgd", "DGBA (clean), PGD"),
        ("noise", "noise"),
    ],
)
def test_an_attack_in_words(name: str, words: str) -> None:
    (part,) = group(all_records())
    assert part.in_words(name) == words


def test_no_two_attacks_have_the_same_words() -> None:
    (part,) = group(many_records())
    assert len({part.in_words(attack) for attack in part.attacks}) == len(part.attacks)
    assert part.in_words("of-nobody") == "of-nobody"


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (["a b c", "a b c"], "shared"),
        (["a / b / c", "a / b / c"], "independent"),
        (["a b c", "a / b / c"], "branch1"),
        (["a b c", "a b / c"], "a+b"),
    ],
)
def test_a_layout_in_words(layout: list[str], words: str) -> None:
    (part,) = group([make_record(facts={"layout": layout})])
    assert layout_words(part.facts(part.models[0])) == words


def test_a_colour_means_the_same_damage_everywhere() -> None:
    assert SCALE(LEAST) == 0 == SCALE(LEAST / 10)
    assert SCALE(MOST) == 1 == SCALE(MOST * 10)
    assert SCALE(0.1) < SCALE(1.0)
    assert (short(0.4), short(-0.0001), short(12.34)) == ("0.40", "0.00", "12.3")


def test_of_many_models_the_ends_of_sharing_are_shown() -> None:
    facts = {f"m{i}": {"sharing_index": i / 15, "adversary": None, "twin": None} for i in range(16)}
    (part,) = group([make_record(model, facts=own) for model, own in facts.items()])
    assert shown_models(part) == ["m15", "m0"]
    (few,) = group(all_records())
    assert len(few.models) <= CROWD
    assert shown_models(few) == [*few.models]


def test_the_most_damaging_attack_is_counted_without_controls() -> None:
    values = np.array([[9.0, 9.0, 9.0], [1.0, 2.0, np.nan], [0.5, 3.0, 1.0]])
    assert most_damaging(["noise", "a", "b"], values, {"noise"}) == ("b", 2)


def test_a_title_says_what_sharing_does() -> None:
    layouts = {"shared": 1.0, "half": 0.5, "independent": 0.0}
    records = [
        make_record(
            name,
            facts={"sharing_index": index, "adversary": None, "twin": None},
            damage=dict.fromkeys(TASKS, 1 + index),
        )
        for name, index in layouts.items()
    ]
    (part,) = group(records)
    assert finding(part, families(part), "dgba-pgd") == "Full sharing adds damage: clean-trained (2.00x)"

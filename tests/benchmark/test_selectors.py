"""Selectors stand for registered names: patterns, kinds, and what is taken out again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtrbench import BadInputError
from mtrbench.benchmark.suites.selectors import Registered

KINDS = {
    "single:depth-pgd": "product",
    "single:normals-pgd": "product",
    "single:depth-vmi": "product",
    "dgba-pgd": "product",
    "dgba-worst-pgd": "product",
    "noise": "control",
    "worst-of:dgba-pgd,noise": "ensemble",
}
ATTACKS = Registered("attack", [*KINDS], ["product", "control", "ensemble", "black box"], KINDS.__getitem__)


@pytest.mark.parametrize(
    ("entries", "chosen"),
    [
        (["noise", "my.module:Attack", "dgba-pgd[steps=3]"], ["noise", "my.module:Attack", "dgba-pgd[steps=3]"]),
        (["*"], [*KINDS]),
        (["single:*-pgd"], ["single:depth-pgd", "single:normals-pgd"]),
        (["*:depth-*"], ["single:depth-pgd", "single:depth-vmi"]),
        (["dgba*pgd"], ["dgba-pgd", "dgba-worst-pgd"]),
        (["dgba-*"], ["dgba-pgd", "dgba-worst-pgd"]),
        (["dgba*@aligned"], ["dgba-pgd@aligned", "dgba-worst-pgd@aligned"]),
        (["*-vmi[neighbours=2]"], ["single:depth-vmi[neighbours=2]"]),
        (["@control", "@ensemble"], ["noise", "worst-of:dgba-pgd,noise"]),
        (["*", "!@product", "!noise"], ["worst-of:dgba-pgd,noise"]),
        (["mine-pgd", "*-pgd", "!*-pgd", "dgba-pgd"], ["dgba-pgd"]),
        (["noise", "@control", "noise"], ["noise"]),
        (["*-pgd", "!*:*", "noise"], ["dgba-pgd", "dgba-worst-pgd", "noise"]),
    ],
)
def test_selectors_stand_for_names(entries: list[str], chosen: list[str]) -> None:
    assert ATTACKS.select(entries) == chosen


def test_losses_and_settings_go_to_products_alone() -> None:
    assert ATTACKS.select(["*[steps=3]"]) == [f"{name}[steps=3]" for name, kind in KINDS.items() if kind == "product"]
    with pytest.raises(BadInputError, match=r"'no\*@aligned' stands for no attack that is registered"):
        ATTACKS.select(["no*@aligned"])


def test_all_that_stand_for_nothing_are_told_at_once() -> None:
    with pytest.raises(BadInputError) as caught:
        ATTACKS.select(["@black box", "@contrl", "*-fgsm", "!noise", "noise", "!n*e"])
    assert str(caught.value) == (
        "'@black box' stands for no attack that is registered; "
        "unknown kind of attack 'contrl'; did you mean control?; "
        "'*-fgsm' stands for no attack that is registered; "
        "'!noise' stands for no attack in the list before it"
    )


def test_what_has_no_kinds_has_names_alone() -> None:
    models = Registered("model", ["rooms3-shared.clean", "rooms5-shared.clean"])
    assert models.select(["rooms5-*", "@clean", "./card.toml"]) == ["rooms5-shared.clean", "@clean", "./card.toml"]


NAMES = st.lists(st.text("ab-:", min_size=1, max_size=5), min_size=1, max_size=6, unique=True)


@given(NAMES, st.data())
def test_a_pattern_chooses_what_its_parts_spell_and_taking_it_out_undoes_it(
    names: list[str], data: st.DataObject
) -> None:
    known = Registered("thing", names)
    name = data.draw(st.sampled_from(names))
    first, second = sorted(data.draw(st.tuples(*[st.integers(0, len(name))] * 2)))
    pattern = f"{name[:first]}*{name[second:]}"
    chosen = known.select([pattern])
    assert chosen == [
        one
        for one in names
        if one.startswith(name[:first])
        and one[first:].endswith(name[second:])
        and len(one) >= first + len(name) - second
    ]
    assert name in chosen
    assert known.select(["*", f"!{pattern}"]) == [one for one in names if one not in chosen]

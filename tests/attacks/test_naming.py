"""Attacks' names are read in one way, and written as they were read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtrbench import BadInputError
from mtrbench.attacks.naming import AttackName, Grammar, split_at_commas
from mtrbench.attacks.registry import parse
from mtrbench.attacks.tables import BALANCINGS, OPTIMIZERS, WHOLE

GRAMMAR = Grammar(("total", "single", "dgba", "dgba-worst"), ("pgd", "apgd"), ("noise", "auto-saga", "worst-of"))

REFERENCES = st.sampled_from(
    ["my.module:Mine", "mine:Mine", "./mine.py:Mine", "../a-b/my file-pgd.py:M", "/a/b-./c.py:M", "~/m.py:A.b"]
)
BALANCING = st.one_of(st.sampled_from(GRAMMAR.balancings), REFERENCES)
OPTIMIZER = st.one_of(st.sampled_from(GRAMMAR.optimizers), REFERENCES)
LOSSES = st.one_of(st.sampled_from(["train", "aligned", "masked-ce"]), REFERENCES)
ARGUMENTS = st.one_of(st.none(), st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,8}", fullmatch=True))
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=8),
    st.sampled_from(["clean", "cp-sat", "true", "3", "a,b", "[x]", '"', ""]),
)
SETTINGS = st.dictionaries(
    st.from_regex(r"[a-z_]{1,6}", fullmatch=True), st.one_of(SCALARS, st.lists(st.integers(), max_size=3)), max_size=3
)


@given(BALANCING, ARGUMENTS, OPTIMIZER, LOSSES, SETTINGS)
def test_a_product_comes_back(head, argument, optimizer, losses, settings) -> None:
    name = AttackName(head, argument, optimizer, losses, settings)
    assert GRAMMAR.parse(str(name)) == name


@given(st.one_of(st.sampled_from(["noise", "auto-saga"]), REFERENCES), LOSSES, SETTINGS)
def test_a_whole_attack_comes_back(head, losses, settings) -> None:
    name = AttackName(head, None, None, losses, settings)
    assert GRAMMAR.parse(str(name)) == name


@given(st.lists(st.builds(AttackName, BALANCING, ARGUMENTS, OPTIMIZER, LOSSES, SETTINGS), min_size=1, max_size=3))
def test_all_behind_the_colon_of_a_whole_attack_is_its_argument_and_splits_into_the_members(members) -> None:
    names = [str(member) for member in members]
    found = GRAMMAR.parse(f"worst-of:{','.join(names)}")
    assert found == AttackName("worst-of", ",".join(names))
    assert [*split_at_commas(found.argument)] == names
    assert str(found) == f"worst-of:{','.join(names)}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("total-pgd", ("total", None, "pgd")),
        ("single:depth-pgd", ("single", "depth", "pgd")),
        ("single:my-task-apgd", ("single", "my-task", "apgd")),
        ("dgba-worst-pgd", ("dgba-worst", None, "pgd")),
        ("single:-pgd", ("single", "", "pgd")),
        ("auto-saga", ("auto-saga", None, None)),
        ("noise:uniform", ("noise", "uniform", None)),
        ("noise:a-pgd@b[c]", ("noise", "a-pgd@b[c]", None)),
        ("my.module:Mine-pgd", ("my.module:Mine", None, "pgd")),
        ("my.module:Mine:depth-pgd", ("my.module:Mine", "depth", "pgd")),
        ("mine.py:Mine:depth-sub/./opt.py:Opt", ("./mine.py:Mine", "depth", "./sub/opt.py:Opt")),
        ("single:a-b-./x-y/o.py:O", ("single", "a-b", "./x-y/o.py:O")),
        ("single:depth:O", None),
        ("single:depth", ("single:depth", None, None)),  # which Python could import, but says itself that it cannot
        ("total-my.module:Opt", ("total", None, "my.module:Opt")),
        ("totl-pgd", None),
        ("total-pdg", None),
        ("total", None),
        ("-pgd", None),
        ("", None),
        ("total-", None),
        ("total-./opt.py", None),
        ("my-module:Mine-pgd", None),
    ],
)
def test_what_a_name_means(text: str, parts: tuple[str, str | None, str | None] | None) -> None:
    assert GRAMMAR.parse(text) == (None if parts is None else AttackName(*parts))


@pytest.mark.parametrize("text", ["total-pgd[steps]", "total-pgd[=3]", "total-pgd[a=1,a=2]", "total-pgd[a=", "[a=1]"])
def test_settings_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(BadInputError, match=r"write its settings as .*\[steps=20,reach=2\], each once"):
        GRAMMAR.parse(text)


def test_registered_names_can_be_told_apart() -> None:
    for head in BALANCINGS:
        for optimizer in OPTIMIZERS:
            assert parse(f"{head}-{optimizer}") == AttackName(head, None, optimizer)
    for name in WHOLE:
        assert parse(name) == AttackName(name)
        assert parse(f"{name}:x-pgd") == AttackName(name, "x-pgd")

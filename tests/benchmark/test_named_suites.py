"""Suites of cells: their parts, and what the command line puts in place of them."""

from __future__ import annotations

from itertools import product

import pytest
from pydantic import ValidationError

from mtrbench.benchmark.suites import Suite, load_suite, suite_names
from mtrbench.models.registry import find_card

OWN = {"dataset": "rooms3", "images": 8, "seed": 0, "norm": "linf", "eps": [4], "steps": 10}
SUITE = Suite.model_validate(
    {
        **OWN,
        "models": ["a", "b"],
        "attacks": ["total-pgd", "noise"],
        "also": [{"attacks": ["total-pgd"], "eps": [1, 2]}, {"models": ["c"], "dataset": "rooms5"}],
    }
)


def cells(suite: Suite) -> set[tuple[object, ...]]:
    return {
        (part.dataset, model, attack, eps, part.steps)
        for part in suite.parts
        for model, attack, eps in product(part.models, part.attacks, part.eps)
    }


OWN_CELLS = {("rooms3", model, attack, 4, 10) for model in "ab" for attack in ("total-pgd", "noise")}
MORE_BUDGETS = {("rooms3", model, "total-pgd", eps, 10) for model in "ab" for eps in (1, 2)}
OTHER_DATA = {("rooms5", "c", attack, 4, 10) for attack in ("total-pgd", "noise")}


def test_additions_take_from_the_suite_what_they_do_not_name() -> None:
    assert cells(SUITE) == OWN_CELLS | MORE_BUDGETS | OTHER_DATA
    assert SUITE.every_model == ["a", "b", "c"]


def test_what_is_given_replaces_the_suites_and_the_additions() -> None:
    assert cells(SUITE.instead(eps=(8.0,), steps=None)) == {(*cell[:3], 8.0, 10) for cell in OWN_CELLS | OTHER_DATA}
    assert {cell[4] for cell in cells(SUITE.instead(steps=3))} == {3}
    assert SUITE.instead() == SUITE


def test_what_is_chosen_stays_where_the_suite_names_it() -> None:
    assert cells(SUITE.instead(models=["c"])) == OTHER_DATA
    assert cells(SUITE.instead(attacks=["noise"])) == {c for c in cells(SUITE) if c[2] == "noise"}
    assert cells(SUITE.instead(["b", "c"], ["total-pgd"])) == {
        cell for cell in cells(SUITE) if cell[1] in "bc" and cell[2] == "total-pgd"
    }


def test_what_the_suite_does_not_name_takes_the_place_of_its_own() -> None:
    strange = cells(SUITE.instead(models=["my-card.toml"]))
    assert strange == {(c[0], "my-card.toml", *c[2:]) for c in OWN_CELLS | MORE_BUDGETS}
    assert cells(SUITE.instead(models=["a"], attacks=["mine"])) == {("rooms3", "a", "mine", 4, 10)}
    assert cells(SUITE.instead(models=["c"], attacks=["mine"])) == {("rooms5", "c", "mine", 4, 10)}


def test_an_addition_with_models_of_its_own_runs_the_attacks_that_are_chosen() -> None:
    also = [{"models": ["c"], "dataset": "rooms5", "attacks": ["total-pgd"]}, {"attacks": ["total-pgd"], "eps": [1]}]
    suite = Suite.model_validate({**OWN, "models": ["a"], "attacks": ["total-pgd", "noise"], "also": also})
    for attack in ("noise", "mine"):
        chosen = cells(suite.instead(attacks=[attack]))
        assert chosen == {("rooms3", "a", attack, 4, 10), ("rooms5", "c", attack, 4, 10)}
        assert cells(suite.instead(["c"], [attack])) == {("rooms5", "c", attack, 4, 10)}


@pytest.mark.parametrize("change", [{"eps": []}, {"eps": [0]}, {"also": [{"colour": 1}]}, {"also": [{"models": []}]}])
def test_a_suite_of_nothing_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Suite.model_validate({**OWN, "models": ["a"], "attacks": ["noise"], **change})


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_runs_models_on_data_that_have_their_tasks(name: str) -> None:
    for part in load_suite(name).parts:
        assert {find_card(model)[0].dataset for model in part.models} == {part.dataset}

"""Suites of cells: their parts, what the command line puts in place of them, where they come from."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from helpers.commands import assert_refused, mtrbench
from pydantic import ValidationError

from mtrbench.api.resolver import LocalWorkshop, found_models
from mtrbench.api.suites import cell_count, find_suite
from mtrbench.attacks.listing import full_names, names
from mtrbench.attacks.tables import BALANCINGS, WHOLE
from mtrbench.benchmark.protocol.toml import parsed
from mtrbench.benchmark.suites.registry import SUITES
from mtrbench.benchmark.suites.suite import Suite
from mtrbench.models import card
from mtrbench.models.registry import find_card, model_names

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


def test_other_data_come_whole_unless_a_number_of_images_is_given() -> None:
    assert [part.images for part in SUITE.instead(dataset="nyuv2").parts] == [None] * 3
    assert [part.images for part in SUITE.instead(dataset="nyuv2", images=3).parts] == [3] * 3
    assert [part.images for part in SUITE.instead(dataset="rooms3").parts] == [8] * 3


@pytest.mark.parametrize(
    "change",
    [
        {"eps": []},
        {"eps": [0]},
        {"also": [{"colour": 1}]},
        {"also": [{"models": []}]},
        {"attacks": ["bell\x07"]},
        {"settings": {"steps": float("nan")}},
    ],
)
def test_a_suite_of_nothing_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Suite.model_validate({**OWN, "models": ["a"], "attacks": ["noise"], **change})


@pytest.mark.parametrize("name", SUITES)
def test_every_suite_runs_models_on_data_that_have_their_tasks(name: str) -> None:
    for part in find_suite(name).parts:
        assert {find_card(model)[0].dataset for model in part.models} <= {part.dataset}


def test_only_protocols_have_no_models_of_their_own() -> None:
    assert {name for name in SUITES if not find_suite(name).every_model} == {"paper-nyuv2", "paper-taskonomy"}
    assert_refused(mtrbench("run", "paper-taskonomy"), "the suite names no models; say which by --model")


@pytest.mark.parametrize("name", ["paper-nyuv2", "paper-taskonomy"])
@pytest.mark.parametrize("model", ["rooms3-shared.clean", "rooms5-shared.clean"])
def test_protocols_attack_every_task_that_a_model_has(name: str, model: str) -> None:
    balancings = [*(f"single:{task}" for task in find_card(model)[0].tasks), "total", "signsum", "dgba"]
    expected = {"-".join(pair) for pair in product(balancings, ("fgsm", "pgd", "mim", "apgd"))}
    suite = find_suite(name, models=[model])
    assert [part.steps for part in suite.parts] == [10, 20]
    for part in suite.parts:
        assert {*part.attacks} == expected | {"noise", "auto-saga"}
    # What takes one step, and noise, is there once, all else with 10 steps and with 20.
    assert cell_count(suite) == 5 * (1 + len(balancings) * (1 + 2 * 3) + 2)


class TestSelectors:
    def test_all_attacks_has_every_registered_one(self) -> None:
        listed = find_suite("all-attacks").attacks
        for name in names():
            pattern = re.sub(r"(?<=:)[A-Z]+", "[^@]+", re.escape(name))
            assert any(re.fullmatch(pattern, attack) for attack in listed), name

    def test_what_is_registered_anew_is_in_all_attacks_without_an_edit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = {*find_suite("all-attacks").attacks}
        for table, name, like in (
            (BALANCINGS, "anew", "total"),
            (BALANCINGS, "after", "single"),
            (WHOLE, "other-noise", "noise"),
        ):
            monkeypatch.setitem(table.entries, name, table.entries[like])
        more = {*find_suite("all-attacks").attacks} - before
        optimizers = {name.rpartition("-")[2] for name in before if name.startswith("total-")}
        tasks = ("segmentation", "depth", "normals")
        assert more == {
            "other-noise",
            *(f"anew-{optimizer}" for optimizer in optimizers),
            *(f"after:{task}-{optimizer}" for task in tasks for optimizer in optimizers),
        }

    def test_a_pattern_is_after_the_tasks_that_the_models_of_its_part_have(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.toml"
        path.write_text(
            """
            dataset = "rooms3"
            images = 2
            eps = [4]
            models = ["rooms3-*.clean"]
            attacks = ["single:*-pgd", "@control"]
            also = [{ dataset = "rooms5", models = ["rooms5-shared.*", "!*.clean"] }]
            """
        )
        three, five = find_suite(str(path)).parts
        tasks = [*find_card("rooms5-shared.clean")[0].tasks]
        assert three.models == [m for m in model_names() if m.startswith("rooms3") and m.endswith(".clean")]
        assert five.models == ["rooms5-shared.at-dgba"]
        assert three.attacks == [*(f"single:{task}-pgd" for task in tasks[:3]), "noise"]
        assert five.attacks == [*(f"single:{task}-pgd" for task in tasks), "noise"]
        chosen = find_suite(str(path), ["rooms5-shared.at-*"], ["*-pgd", "!*:*"], eps=(2.0,))
        assert [(part.models, [*part.eps]) for part in chosen.parts] == [
            ([], [2.0]),
            (["rooms5-shared.at-dgba"], [2.0]),
        ]
        assert {*chosen.parts[1].attacks} == {name for name in full_names(tasks) if re.fullmatch(r"[^:]*-pgd", name)}

    @pytest.mark.parametrize("name", SUITES)
    def test_the_names_in_place_of_selectors_are_kept(self, name: str) -> None:
        suite = find_suite(name)
        assert suite.with_names("models", lambda part: part.models) == suite
        # A protocol keeps its selectors: which attacks they name depends on the tasks of the models that it is given.
        parts = suite.parts if suite.every_model else []
        entries = [entry for part in parts for entry in (*part.models, *part.attacks)]
        assert not [entry for entry in entries if entry[0] in "!@" or "*" in entry]


@pytest.mark.parametrize(("name", "cells"), [("quick", 40), ("courses", 46), ("transfer", 32), ("protected", 36)])
def test_cells_are_counted_as_they_are_run(name: str, cells: int) -> None:
    suite = find_suite(name)
    workshop = LocalWorkshop(found_models(suite.every_model), data_root=None, device="cpu", batch_size=32)
    assert cell_count(suite) == len(workshop.cells(suite)) == cells


def test_a_card_is_parsed_once_however_many_cells_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def counted(text: str, what: str) -> dict[str, Any]:
        seen.append(what)
        return parsed(text, what)

    monkeypatch.setattr("mtrbench.models.card.parsed", counted)
    card._card.cache_clear()
    suite = find_suite("transfer")
    workshop = LocalWorkshop(found_models(suite.every_model), data_root=None, device="cpu", batch_size=32)
    assert len(workshop.cells(suite)) > len(suite.every_model)
    assert len(seen) == len({*seen}) == len(suite.every_model)

"""The board of models: what it ranks by, whom it does not rank, and what it says beside."""

from __future__ import annotations

import pytest
from helpers.boards import one, row
from helpers.make_records import CLEAN, DAMAGE, MODELS, TASKS, all_records, make_record

from mtrbench.leaderboards.analysis.families import families
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.labels import Name
from mtrbench.leaderboards.analysis.ranking import Rank
from mtrbench.leaderboards.boards.attacks import attack_boards
from mtrbench.leaderboards.boards.models import model_boards


@pytest.fixture(scope="module")
def records():
    return all_records()


def test_model_board_gain_reference_and_worst_case(records):
    board = one(model_boards, records)
    assert row(board, "rooms3-shared.clean")["clean_gain_percent"].value == pytest.approx(6)
    assert row(board, "rooms3-shared.clean")["clean_gain_percent_depth"].value == pytest.approx(6)
    assert row(board, "rooms3-independent.clean")["clean_gain_percent"].value == 0
    worst = row(board, "rooms3-shared.clean")
    assert worst["worst_attack"] == Name("dgba-pgd")
    assert worst["worst_case_ard"].value == pytest.approx(sum(DAMAGE["dgba-pgd"]) / 3)
    assert worst["ard:noise"].value == pytest.approx(0.02)
    assert worst["depth.abs_err"].value == pytest.approx(CLEAN["depth"]["abs_err"] * 0.94)
    assert [cell.text for cell in board.column("model")] == sorted(MODELS, key=lambda name: MODELS[name][2])
    assert board.column("rank") == tuple(Rank(i, i) for i in range(1, 5))


def test_models_are_ranked_by_the_standard_evaluation_where_it_was_run(records):
    # In the opposite order of the worst case.
    under_auto = {name: 0.1 * place for place, name in enumerate(sorted(MODELS, key=lambda name: -MODELS[name][2]), 1)}
    more = [make_record(name, "auto", damage=dict.fromkeys(TASKS, ard)) for name, ard in under_auto.items()]
    board = one(model_boards, [*records, *more])
    assert [cell.text for cell in board.column("model")] == [*under_auto]
    assert [cell.value for cell in board.column("standard_ard")] == pytest.approx([*under_auto.values()])
    assert "Ranked by ARD under `auto`" in board.note
    fewer = one(model_boards, [*records, *more[1:]])
    assert row(fewer, next(iter(under_auto)))["rank"] is None
    assert row(fewer, next(iter(under_auto)))["status"] == "not all attacks"


def test_best_known_is_the_highest_of_any_record(records):
    # The one new record of the first model is on no other one.
    under_auto = [make_record(name, "auto", damage=dict.fromkeys(TASKS, 5.0)) for name in MODELS]
    first, second, *_ = MODELS
    stronger = make_record(first, "total-pgd@aligned", damage=dict.fromkeys(TASKS, 6.0))
    board = one(model_boards, [*records, *under_auto, stronger])
    found, other = row(board, first), row(board, second)
    strongest, standard = (record.degradation.ard.value for record in (stronger, under_auto[0]))
    assert found["best_known_attack"] == Name("total-pgd@aligned")
    assert found["best_known_ard"].value == pytest.approx(strongest, abs=1e-6)
    assert found["standard_share"].value == pytest.approx(standard / strongest, abs=1e-6)
    assert other["best_known_attack"] == Name("auto")
    assert other["standard_share"].value == 1
    assert "best_known_ard" not in [column.name for column in one(model_boards, records).columns]


@pytest.mark.parametrize("attack", ["auto", "total-pgd@aligned", "square"])
def test_an_attack_that_is_new_on_one_model_changes_no_rank(records, attack):
    before, after = (
        one(model_boards, [*records, *new])
        for new in ([], [make_record(next(iter(MODELS)), attack, damage=dict.fromkeys(TASKS, 9.0))])
    )
    for column in ("model", "rank", "status", "worst_case_ard", "worst_attack"):
        assert after.column(column) == before.column(column)
    assert f"Not on all of the models, and so left out of the worst ARD: `{attack}`." in after.note


def test_an_attack_new_on_all_models_but_one_un_ranks_nobody(records):
    new = [make_record(name, "mim", damage=dict.fromkeys(TASKS, 9.0)) for name in [*MODELS][:3]]
    before, after = (one(model_boards, [*records, *more]) for more in ([], new))
    assert after.column("rank") == before.column("rank")
    first, *_, last = MODELS
    found = row(after, first)
    assert (found["ard:mim"].value, found["worst_attack"]) == (9, Name("dgba-pgd"))
    assert row(after, last)["ard:mim"] is None


@pytest.mark.parametrize("standard", [False, True])
def test_a_model_that_an_attack_breaks_is_not_ranked_on_the_rest(standard):
    undefined = {"segmentation": None, "depth": 1.0, "normals": 1.0}
    facts = {"attack_facts": {"kind": "ensemble", "balancing": None, "optimizer": None, "standard": True}}
    whole = [
        make_record(
            m, "auto" if standard else "total-pgd", damage=dict.fromkeys(TASKS, 1.0), **(facts if standard else {})
        )
        for m in MODELS
    ]
    broken, *others = MODELS
    alone = one(model_boards, whole)
    board = one(model_boards, [*whole, make_record(broken, "dgba-pgd", damage=undefined)])
    found = row(board, broken)
    assert (found["rank"], found["status"], found["worst_case_ard"]) == (None, "incomplete", "incomplete")
    assert found["model"] == board.column("model")[-1]
    assert f"Incomplete, as a score is undefined, and not ranked: {broken} under " in board.note
    for model in others:
        assert row(board, model)["worst_case_ard"] == row(alone, model)["worst_case_ard"]
        assert row(board, model)["status"] == "complete"


def test_models_of_unknown_training_stand_apart_and_measured_sharing_is_named():
    own = {"trained_on": "unknown", "adversary": "unknown", "sharing_index": 0.4, "sharing_measured": True}
    records = [make_record(), make_record("Mine", facts=own), make_record("Other", facts=own)]
    (found,) = group(records)
    assert [part.models for part in found.parts] == [("rooms3-shared.clean",), ("Mine", "Other")]
    assert not any("unknown" in family.label for family in families(found))
    (board,) = model_boards([found])
    assert (row(board, "Mine")["training"], row(board, "Mine")["sharing_index"]) == ("unknown", 0.4)
    assert "Sharing measured over all parameters, heads too, and not by blocks: `Mine`, `Other`." in board.note
    assert "measured" not in model_boards(group(records[:1]))[0].note
    assert len(attack_boards([found])) == 2

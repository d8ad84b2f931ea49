"""Boards: averages and notes by hand, whatever the order of the records."""

import json
import subprocess
import sys

import numpy as np
import pytest
from helpers.boards import one, row
from helpers.make_records import MODELS, TASKS, all_records, make_record, with_evidence
from pydantic_core import to_jsonable_python

from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.protocol.estimates import Replicates, unpacked
from mtrbench.benchmark.protocol.records import Record
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.labels import Name
from mtrbench.leaderboards.analysis.ranking import Rank
from mtrbench.leaderboards.boards.attacks import attack_boards
from mtrbench.leaderboards.boards.clean import clean_boards
from mtrbench.leaderboards.boards.costs import cost_boards
from mtrbench.leaderboards.boards.metrics import metric_boards
from mtrbench.leaderboards.boards.models import model_boards
from mtrbench.leaderboards.boards.models_attacks import models_attacks_boards
from mtrbench.leaderboards.boards.registry import all_boards
from mtrbench.leaderboards.boards.victims import victim_boards
from mtrbench.leaderboards.output.render import markdown, terminal, to_csv

KINDS = (attack_boards, model_boards, clean_boards, models_attacks_boards, victim_boards)


@pytest.fixture(scope="module")
def records():
    return all_records()


@pytest.mark.parametrize("make", KINDS)
def test_order_of_the_records_does_not_matter(records, make):
    shuffled = [records[i] for i in np.random.default_rng(0).permutation(len(records))]
    assert make(group(shuffled)) == make(group(records))


def test_attack_board_averages_over_models_by_hand():
    damages = [{"segmentation": 0.6, "depth": 3.0, "normals": 1.5}, {"segmentation": 0.4, "depth": 2.0, "normals": 0.3}]
    models = ("rooms3-shared.clean", "rooms3-independent.clean")
    found = row(
        one(attack_boards, [make_record(m, damage=d) for m, d in zip(models, damages, strict=True)]), "dgba-pgd"
    )
    assert found["ard"].value == pytest.approx((5.1 / 3 + 2.7 / 3) / 2)
    assert found["d_segmentation"].value == pytest.approx(0.5)
    assert found["d_depth"].value == pytest.approx(2.5)
    assert found["worst_task"] == pytest.approx((0.6 + 0.3) / 2)
    assert found["flat_mean"] == pytest.approx((2 * 0.5 + 5 * 2.5 + 5 * 0.9) / 12)  # a task has as many as metrics
    assert found["arlc"] == pytest.approx((5.1 / 3 + 2.7 / 3) / 2)
    assert (found["forwards"], found["backwards"], found["seconds"]) == (10, 10, pytest.approx(12.8 / 256))


def test_interval_of_ard_is_that_of_the_averaged_replicates():
    pair = [make_record(m, "total-pgd") for m in ("rooms3-shared.clean", "rooms3-independent.clean")]
    found = row(one(attack_boards, pair), "total-pgd")["ard"]
    replicates = np.mean(unpacked([r.degradation.replicates[task] for r in pair for task in TASKS]), axis=0)
    assert [found.low, found.high] == pytest.approx(np.quantile(replicates, [0.025, 0.975]))


def test_an_undefined_replicate_leaves_the_interval_out_and_the_value_in():
    record = make_record().model_dump(mode="json", by_alias=True)
    values = unpacked([make_record().degradation.replicates["depth"]])[0]
    values[7] = np.nan
    record["degradation"]["replicates"]["depth"] = to_jsonable_python(Replicates.pack(values))
    for estimate in (record["degradation"]["tasks"]["depth"], record["degradation"]["ard"]):
        estimate |= {"low": None, "high": None}
    found = row(one(attack_boards, [Record.model_validate_json(json.dumps(record))]), "dgba-pgd")["ard"]
    assert found.value is not None
    assert found.low is found.high is None


def test_attacks_stand_by_damage_and_the_control_is_not_ranked(records):
    clean, adversarial = attack_boards(group(records))
    for board in (clean, adversarial):
        assert [cell.text for cell in board.column("attack")][:3] == ["dgba-pgd", "dgba:clean-pgd", "total-pgd"]
        assert board.column("attack")[-1] == Name("noise", "control")
        assert board.column("rank")[-1] is None
        assert board.column("rank")[:3] == (Rank(1, 2), Rank(1, 2), Rank(3, 3))
    assert "clean-trained" in clean.title
    assert "models trained against total-pgd" in adversarial.title
    assert "256 images" in clean.title


NEWCOMER = make_record("newcomer", "single:depth-pgd", damage=dict.fromkeys(TASKS, 0.01))


def test_a_model_with_one_record_is_not_ranked_and_changes_no_other_rank(records):
    before, after = (one(model_boards, [*records, *new]) for new in ([], [NEWCOMER]))
    assert row(after, "newcomer")["status"] == row(after, "newcomer")["worst_case_ard"] == "not all attacks"
    assert after.column("rank") == (*before.column("rank"), None)


@pytest.mark.parametrize("make", [attack_boards, cost_boards])
def test_a_model_with_one_record_changes_no_mean(records, make):
    before, after = (make(group([*records, *new])) for new in ([], [NEWCOMER]))
    assert [board.rows for board in after] == [board.rows for board in before]
    assert "Mean over 2 models" in attack_boards(group(records))[0].note
    assert "so left out: `newcomer`." in attack_boards(group([*records, NEWCOMER]))[0].note


def test_a_model_with_one_record_has_victims_of_its_own_and_is_in_no_mean(records):
    before, after = (victim_boards(group([*records, *new])) for new in ([], [NEWCOMER]))
    own = [board for board in after if dict(board.scope)["subject"] == "newcomer"]
    assert [board.rows for board in after if board not in own] == [board.rows for board in before]
    (board,) = own
    assert row(board, "single:depth-pgd")["d_depth"].value == pytest.approx(0.01)
    assert row(board, "single:normals-pgd")["d_depth"] is None


def test_a_black_box_from_elsewhere_is_marked_as_one(records):
    facts = {"kind": "black box", "balancing": None, "optimizer": None}
    names = ("square", "their-own")
    more = [make_record(m, a, damage=dict.fromkeys(TASKS, 9.0), attack_facts=facts) for m in MODELS for a in names]
    for board in attack_boards(group([*records, *more])):
        assert {*board.column("attack")[:2]} == {Name(name, "black box") for name in names}
        assert board.column("rank")[:2] == (Rank(1, 2), Rank(1, 2))
        assert board.column("flags")[:2] == (None, None)
        assert all("black box beats it" in [sign.flag for sign in signs] for signs in board.column("flags")[2:-1])


def test_a_control_from_elsewhere_is_not_ranked(records):
    facts = {"kind": "control", "balancing": None, "optimizer": None}
    more = [make_record(m, "their-pgd", damage=dict.fromkeys(TASKS, 9.0), attack_facts=facts) for m in MODELS]
    for board in attack_boards(group([*records, *more])):
        assert row(board, "their-pgd")["attack"] == Name("their-pgd", "control")
        assert row(board, "their-pgd")["rank"] is None


def test_incomplete_is_shown_and_never_averaged():
    undefined = {"segmentation": None, "depth": 1.0, "normals": 1.0}
    pair = [make_record(damage=undefined), make_record("rooms3-independent.clean")]
    pair += [make_record(m, "total-pgd") for m in ("rooms3-shared.clean", "rooms3-independent.clean")]
    attacks = one(attack_boards, pair)
    found = row(attacks, "dgba-pgd")
    assert found["ard"] == found["status"] == "incomplete"
    assert found["rank"] is found["d_depth"] is None
    assert row(attacks, "total-pgd")["rank"] == Rank(1, 1)
    assert "1 of 4 records is incomplete" in attacks.note
    models = one(model_boards, pair)
    assert row(models, "rooms3-shared.clean")["worst_case_ard"] == "incomplete"
    assert row(models, "rooms3-shared.clean")["ard:dgba-pgd"] == "incomplete"
    assert row(models, "rooms3-independent.clean")["rank"] == Rank(1, 1)
    (miou,) = metric_boards(group(pair))["segmentation-miou"]
    assert row(miou, "dgba-pgd")["rooms3-shared.clean"] == "incomplete"


def test_records_of_other_devices_and_versions_are_told(records):
    assert "elsewhere" not in one(model_boards, records[:4]).note
    content = records[0].model_dump(mode="json", by_alias=True)
    content["environment"] |= {"device": "cuda:0", "platform": "Elsewhere"}
    there = Record.model_validate_json(json.dumps(content))
    note = model_boards(group([there, *records[1:]]))[0].note
    assert "Records made elsewhere than most: 1 device cuda (most: cpu)" in note
    assert ", 1 platform Elsewhere (most: " in note
    board = next(board for board in attack_boards(group([there, *records[1:]])) if there.cell.model.name in board.note)
    seconds = dict(zip((name.text for name in board.column("attack")), board.column("seconds"), strict=True))
    assert [attack for attack, cost in seconds.items() if cost is None] == [there.cell.attack.name]


def test_what_was_not_evaluated_is_missing_and_not_incomplete():
    three = [make_record(), make_record(attack="total-pgd"), make_record("rooms3-independent.clean")]
    assert row(one(attack_boards, three), "total-pgd")["ard"] == "not on all models"
    board = one(model_boards, three)
    assert row(board, "rooms3-independent.clean")["status"] == "complete"
    assert row(board, "rooms3-independent.clean")["ard:total-pgd"] is None


def test_victim_board_has_every_single_attack_and_victim(records):
    boards = victim_boards(group(records))
    assert len(boards) == 2 + 4
    mean = boards[0]
    assert mean.column("attacked_task") == TASKS
    found = row(mean, "single:depth-pgd")
    assert found["d_normals"].value == pytest.approx(1.4 * (1 + 0.85) / 2)
    assert found["d_depth"].low < found["d_depth"].value < found["d_depth"].high


def test_every_optimizer_has_victim_boards_of_its_own_and_pgd_comes_first():
    names = [f"single:{task}-{kind}" for kind in ("apgd", "pgd", "pgd@relative") for task in TASKS]
    boards = victim_boards(group([make_record(attack=name, damage=dict.fromkeys(TASKS, 1.0)) for name in names]))
    assert [dict(board.scope)["optimizer"] for board in boards[::2]] == ["pgd", "apgd", "pgd@relative"]
    for board in boards:
        kind = dict(board.scope)["optimizer"]
        assert [cell.text for cell in board.column("attack")] == [f"single:{task}-{kind}" for task in TASKS]


def test_metric_boards_hold_clean_and_attacked_values(records):
    boards = metric_boards(group(records))
    assert len(boards) == 12
    (board,) = boards["depth-rel_err"]
    clean = dict(zip((column.name for column in board.columns), board.rows[0], strict=True))
    assert clean["attack"] == "none"
    assert clean["rooms3-independent.clean"].value == pytest.approx(0.15)
    found = row(board, "total-pgd")["rooms3-independent.clean"]
    assert found.value == pytest.approx(0.15 * (1 + 0.85 * 4.1))
    assert dict(board.scope)["better"] == "lower"
    (board,) = boards["normals-angle_mean"]
    assert dict(board.scope)["unit"] == "deg"


def test_controls_are_controls_whatever_their_argument_and_settings():
    controls = [make_record(attack=name, damage=dict.fromkeys(TASKS, 9.0)) for name in ("noise", "noise:uniform")]
    again = make_record(attack="noise", damage=dict.fromkeys(TASKS, 9.0), settings={"steps": 5})
    board = one(attack_boards, [make_record(), *controls, again])
    assert [cell.text for cell in board.column("attack")] == [
        "dgba-pgd",
        "noise [steps=10]",
        "noise [steps=5]",
        "noise:uniform",
    ]
    assert board.column("rank") == (Rank(1, 1), None, None, None)


def test_a_row_has_the_least_tier_of_its_records():
    first, second = (make_record(model) for model in ("rooms3-shared.clean", "rooms3-independent.clean"))
    checked = with_evidence(first, run="https://example.org/1")
    pairs = {
        "checked in CI": [checked, with_evidence(second, run="https://example.org/2")],
        "re-run": [checked, with_evidence(second)],
        "recomputed": [with_evidence(with_evidence(first), "recomputed"), with_evidence(second, "recomputed")],
        "claimed": [checked, second],
    }
    for tier, pair in pairs.items():
        assert row(one(attack_boards, pair), "dgba-pgd")["tier"] == tier
    board = one(model_boards, pairs["claimed"])
    tiers = dict(zip((cell.text for cell in board.column("model")), board.column("tier"), strict=True))
    assert tiers == {"rooms3-shared.clean": "checked in CI", "rooms3-independent.clean": "claimed"}
    assert "Tiers of the 2 records: 1 claimed, 1 checked in CI" in board.note


def test_notes_name_foreign_models_and_tiers():
    pair = [make_record(dataset="nyuv2"), with_evidence(make_record(attack="total-pgd", dataset="nyuv2"))]
    note = one(attack_boards, pair).note
    assert "Trained on rooms3, not on nyuv2: `rooms3-shared.clean`" in note
    assert "Tiers of the 2 records: 1 claimed, 1 re-run" in note


def test_tables_show_intervals_and_fit_a_terminal(records):
    for board in attack_boards(group(records)):
        table = terminal(board).split("\n\n")[1]
        assert max(map(len, table.splitlines())) <= 120
    text = markdown(attack_boards(group(records))[0])
    assert "| 1-2 | `dgba-pgd` | " in text
    assert "2.43 [2.34, 2.52]" in text


def test_csv_has_every_interval_end(records):
    boards = attack_boards(group(records))
    lines = to_csv(boards).splitlines()
    header = lines[0].split(",")
    assert {"rank_best", "rank_worst", "ard", "ard_low", "ard_high", "d_depth_high", "training"} <= set(header)
    assert len(lines) == 1 + sum(len(board.rows) for board in boards)
    first = dict(zip(header, lines[1].split(","), strict=True))
    assert float(first["ard_low"]) < float(first["ard"]) < float(first["ard_high"])
    assert (first["rank_best"], first["rank_worst"]) == ("1", "2")


def test_leaderboards_never_load_torch():
    code = (
        "import importlib, pkgutil, sys, mtrbench.leaderboards as l\n"
        "for m in pkgutil.walk_packages(l.__path__, l.__name__ + '.'): importlib.import_module(m.name)\n"
        "assert 'mtrbench.leaderboards.output.publish' in sys.modules\n"
        "assert 'torch' not in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603


def called(record, old, new):
    """The same record with a task under another name."""
    content = json.loads(record.model_dump_json(by_alias=True).replace(old, new))
    return Record.model_validate_json(json.dumps({**content, "key": Cell.model_validate(content["cell"]).key}))


def test_boards_know_no_task_by_its_name(records):
    # "deptha" stands where "depth" does in the alphabet.
    theirs = [called(record, "depth", "deptha") for record in records]
    before, after = ({**all_boards(of), **metric_boards(of)} for of in (group(records), group(theirs)))
    assert str(after) == str(before).replace("depth", "deptha")

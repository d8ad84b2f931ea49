"""Boards: averages, ranks and gains by hand, whatever the order of the records."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from make_records import CLEAN, DAMAGE, MODELS, TASKS, all_records, make_clean_record, make_record, sha256

from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.records import Record, Replicates
from mtrbench.benchmark.stats import RESAMPLES, Bootstrapped
from mtrbench.leaderboards.attack_board import attack_boards
from mtrbench.leaderboards.board import Name, Rank
from mtrbench.leaderboards.gain import clean_gain
from mtrbench.leaderboards.groups import group
from mtrbench.leaderboards.metric_board import metric_boards
from mtrbench.leaderboards.model_board import clean_boards, model_attack_boards, model_boards
from mtrbench.leaderboards.ranking import ranks
from mtrbench.leaderboards.render import markdown, terminal, to_csv
from mtrbench.leaderboards.victim_board import victim_boards

KINDS = (attack_boards, model_boards, clean_boards, model_attack_boards, victim_boards)


@pytest.fixture(scope="module")
def records():
    return all_records()


def row(board, name):
    """A row by the name in it, as a dictionary by column."""
    found = [r for r in board.rows if any(isinstance(cell, Name) and cell.text == name for cell in r)]
    assert len(found) == 1
    return {column.name: cell for column, cell in zip(board.columns, found[0], strict=True)}


def one(make, records):
    (board,) = make(group(records))
    return board


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
    assert found["flat_mean"] == pytest.approx(1.1 * (5.1 / 3 + 2.7 / 3) / 2)
    assert found["arlc"] == pytest.approx(5.1 + 2.7)
    assert (found["forwards"], found["backwards"], found["seconds"]) == (10, 10, pytest.approx(12.8 / 256))


def test_interval_of_ard_is_that_of_the_averaged_replicates():
    pair = [make_record(m, "total-pgd") for m in ("rooms3-shared.clean", "rooms3-independent.clean")]
    found = row(one(attack_boards, pair), "total-pgd")["ard"]
    replicates = np.mean([r.degradation.replicates[task].unpack() for r in pair for task in TASKS], axis=0)
    assert [found.low, found.high] == pytest.approx(np.quantile(replicates, [0.025, 0.975]))


def test_an_undefined_replicate_leaves_the_interval_out_and_the_value_in():
    record = make_record().model_dump(mode="json", by_alias=True)
    values = make_record().degradation.replicates["depth"].unpack()
    values[7] = np.nan
    record["degradation"]["replicates"]["depth"] = Replicates.pack(values).model_dump(mode="json")
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
    assert "adversarially trained" in adversarial.title
    assert "256 images" in clean.title


def scores_of(means, own_spread):
    """Scores that share most of their variation, as over the same images."""
    rng = np.random.default_rng(1)
    common = rng.standard_normal(RESAMPLES)
    return [Bootstrapped(m, m + common + own_spread * rng.standard_normal(RESAMPLES)) for m in means]


def test_ranks_are_paired():
    # Unpaired, intervals as wide as these (+-2) could not tell any two of them apart.
    assert ranks(scores_of([3.0, 2.5, 2.0], 0.05), True) == [Rank(1, 1), Rank(2, 2), Rank(3, 3)]
    assert ranks(scores_of([3.0, 2.5, 2.0], 0.05), False) == [Rank(3, 3), Rank(2, 2), Rank(1, 1)]


def test_ties_need_not_be_transitive():
    assert ranks(scores_of([0.3, 0.15, 0.0], 0.085), True) == [Rank(1, 2), Rank(1, 3), Rank(2, 3)]


def test_equal_and_undefined_scores_are_ties():
    same = scores_of([1.0], 0.1) * 2
    assert ranks(same, True) == [Rank(1, 2), Rank(1, 2)]
    broken = Bootstrapped(9.0, np.full(RESAMPLES, np.nan))
    for order in itertools.permutations([*same, broken]):
        assert ranks(order, True) == [Rank(1, 3)] * 3
    # One undefined replicate leaves the differences unknown, and those of all others as they are.
    high, low, partly = scores_of([3.0, 1.0, 2.0], 0.05)
    partly.replicates[0] = np.nan
    for order in itertools.permutations([(high, Rank(1, 2)), (low, Rank(2, 3)), (partly, Rank(1, 3))]):
        assert ranks([score for score, _ in order], True) == [rank for _, rank in order]
    assert ranks([], True) == []


def test_ranks_do_not_depend_on_order():
    scores = scores_of([3.0, 2.9, 2.0, 1.99], 0.05)
    expected = ranks(scores, True)
    for order in itertools.permutations(range(4)):
        assert ranks([scores[i] for i in order], True) == [expected[i] for i in order]


def test_clean_gain_by_hand():
    def scores(miou, accuracy, mae, power=0):
        values = {"segmentation": {"miou": miou, "pixel_accuracy": accuracy}, "keypoints2d": {"mae": mae}}
        spread = np.array([1.0, 1.5, 2.0])
        return {t: {m: Bootstrapped(v, v * spread**power) for m, v in part.items()} for t, part in values.items()}

    def gains(clean, twin):
        return {task: gain.value for task, gain in clean_gain(clean, twin).items()}

    twin = scores(0.5, 0.8, 0.2)
    # miou +10 %, accuracy -5 %: +2.5 % for the task; an error that falls by 20 % is a gain of 20 %.
    assert gains(scores(0.55, 0.76, 0.16), twin) == pytest.approx({"segmentation": 2.5, "keypoints2d": 20})
    assert gains(twin, twin) == {"segmentation": 0, "keypoints2d": 0}
    assert clean_gain(scores(0.5, 0.8, np.nan), twin) is None
    assert clean_gain(twin, scores(0.0, 0.8, 0.2)) is None
    # Resample by resample, both scores are those of the same images.
    found = clean_gain(scores(0.55, 0.76, 0.16, power=2), scores(0.5, 0.8, 0.2, power=1))
    assert found["keypoints2d"].replicates == pytest.approx([20, 100 * (1 - 0.8 * 1.5), 100 * (1 - 0.8 * 2)])
    assert found["segmentation"].replicates == pytest.approx([2.5, 100 * (1.025 * 1.5 - 1), 100 * (1.025 * 2 - 1)])


def test_a_gain_has_an_interval_where_both_clean_passes_are_there():
    pair = [make_record(m) for m in ("rooms3-shared.clean", "rooms3-independent.clean")]
    wide, narrow = make_clean_record(pair[0], 0.02), make_clean_record(pair[1], 0.01)

    def gain(*passes):
        return row(one(model_boards, [*pair, *passes]), "rooms3-shared.clean")["clean_gain_percent"]

    assert [gain().low, gain(wide).low, gain(narrow).high] == [None] * 3
    found = gain(wide, narrow)
    assert found.value == pytest.approx(6)
    assert found.low < 6 < found.high
    assert row(one(model_boards, [*pair, wide, narrow]), "rooms3-independent.clean")["clean_gain_percent"].low == 0
    # The same change of both in every resample cancels out.
    paired = gain(make_clean_record(pair[0], 0.01), narrow)
    assert paired.high - paired.low < 1e-3 * (found.high - found.low)


def test_clean_passes_alone_are_refused_and_others_change_nothing():
    record, other = make_record(), make_record("rooms3-independent.clean")
    assert group([record, make_clean_record(other)]) == group([record])
    with pytest.raises(BadInputError, match="add those of attacks"):
        group([make_clean_record(record)])


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
    assert row(fewer, next(iter(under_auto)))["status"] == "incomplete"


def test_gain_is_unknown_without_the_twin():
    assert row(one(model_boards, [make_record()]), "rooms3-shared.clean")["clean_gain_percent"] is None


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


def test_an_attack_missing_on_one_model_is_incomplete():
    three = [make_record(), make_record(attack="total-pgd"), make_record("rooms3-independent.clean")]
    assert row(one(attack_boards, three), "total-pgd")["ard"] == "incomplete"
    board = one(model_boards, three)
    assert row(board, "rooms3-independent.clean")["worst_case_ard"] == "incomplete"
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
    assert "lower is better" in board.note


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


@pytest.mark.parametrize("change", [{"protocol": 2}, {"version": 2}])
def test_mixed_versions_are_refused(change):
    with pytest.raises(BadInputError, match="cannot be compared"):
        group([make_record(), make_record(attack="total-pgd", **change)])


@pytest.mark.parametrize("change", [{"ids": "b"}, {"images": 64}, {"eps": 4.0}, {"norm": "l2"}, {"dataset": "nyuv2"}])
def test_what_cannot_be_compared_stands_apart(change):
    groups = group([make_record(), make_record(**change)])
    assert len(groups) == len({part.title for part in groups}) == 2


def test_superseded_records_are_left_out_with_a_count():
    old = make_record(settings={"steps": 5})
    board = one(attack_boards, [make_record(supersedes=old.key), old])
    assert len(board.rows) == 1
    assert "1 superseded or invalidated record is left out" in board.note


def test_invalidated_records_are_left_out_with_a_count():
    records = [make_record(), make_record(attack="total-pgd", invalidated="the attack saw the truth")]
    board = one(attack_boards, records)
    assert [row[1].text for row in board.rows] == ["dgba-pgd"]
    assert "1 superseded or invalidated record is left out" in board.note


def test_a_row_is_published_if_all_of_its_records_are():
    pair = [make_record(model, tier="published") for model in ("rooms3-shared.clean", "rooms3-independent.clean")]
    local = pair[1].model_copy(update={"tier": "local"})
    assert row(one(attack_boards, pair), "dgba-pgd")["tier"] == "published"
    assert row(one(attack_boards, [pair[0], local]), "dgba-pgd")["tier"] == "local"
    board = one(model_boards, [pair[0], local])
    tiers = dict(zip((cell.text for cell in board.column("model")), board.column("tier"), strict=True))
    assert tiers == {"rooms3-shared.clean": "published", "rooms3-independent.clean": "local"}


def test_a_record_supersedes_only_its_like():
    with pytest.raises(BadInputError, match="another model or attack"):
        group([old := make_record(attack="total-pgd"), make_record(supersedes=old.key)])
    a, b = make_record(), make_record(settings={"steps": 5})
    pair = [a.model_copy(update={"supersedes": b.key}), b.model_copy(update={"supersedes": a.key})]
    with pytest.raises(BadInputError, match="supersede each other"):
        group(pair)


def test_the_same_attack_with_other_settings_is_another_row():
    board = one(attack_boards, [make_record(), make_record(settings={"steps": 20, "more": "a|b"})])
    assert {cell.text for cell in board.column("attack")} == {
        "dgba-pgd [more=None, steps=10]",
        "dgba-pgd [more=a?b, steps=20]",
    }


def test_contradictions_are_refused():
    record = make_record()
    assert group([record, record]) == group([record])
    with pytest.raises(BadInputError, match="have the key"):
        group([record, record.model_copy(update={"tier": "published"})])
    clean = make_clean_record(record)
    with pytest.raises(BadInputError, match="have the key"):
        group([record, clean, make_clean_record(record, spread=0.5)])
    with pytest.raises(BadInputError, match="disagree"):
        group([record, clean.model_copy(update={"facts": make_record(facts={"parameters": 7}).facts})])
    with pytest.raises(BadInputError, match="disagree"):
        group([record, make_record(attack="total-pgd", facts={"parameters": 7})])
    short = record.model_dump(mode="json", by_alias=True)
    values = record.degradation.replicates["depth"].unpack()[:-1]
    short["degradation"]["replicates"]["depth"] = Replicates.pack(values).model_dump(mode="json")
    with pytest.raises(BadInputError, match="499 replicates"):
        attack_boards(group([Record.model_validate_json(json.dumps(short))]))


def test_notes_name_foreign_models_and_local_records():
    pair = [make_record(dataset="nyuv2"), make_record(attack="total-pgd", dataset="nyuv2", tier="published")]
    note = one(attack_boards, pair).note
    assert "`rooms3-shared.clean` never saw nyuv2 in training" in note
    assert "1 of 2 records is local" in note


def test_tables_show_intervals_and_fit_a_terminal(records):
    for board in attack_boards(group(records)):
        table = terminal(board).split("\n\n")[1]
        assert max(map(len, table.splitlines())) <= 120
    text = markdown(attack_boards(group(records))[0])
    assert "|    1-2 | `dgba-pgd` " in text
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
        "for m in pkgutil.iter_modules(l.__path__, l.__name__ + '.'): importlib.import_module(m.name)\n"
        "assert 'mtrbench.leaderboards.publish' in sys.modules\n"
        "assert 'torch' not in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603


def test_models_of_one_name_are_told_apart_by_their_weights():
    record = make_record()
    cell = record.cell.model_copy(update={"model": record.cell.model.model_copy(update={"sha256": sha256("other")})})
    other = record.model_copy(update={"cell": cell, "key": cell.key})
    (part,) = group([record, other])
    assert len(part.models) == 2
    assert all(model.startswith("rooms3-shared.clean [") for model in part.models)

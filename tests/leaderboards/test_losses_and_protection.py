"""The boards and pictures of loss sets and of protected tasks."""

import numpy as np
import pytest
from helpers.make_records import BALANCINGS, DAMAGE, MODELS, TASKS, TAUS, loss_records, make_record, protected_records

from mtrbench.benchmark.protocol.estimates import unpacked
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.labels import Name
from mtrbench.leaderboards.analysis.protection import curves
from mtrbench.leaderboards.analysis.scores import ard, ratio, task_scores
from mtrbench.leaderboards.boards.losses import losses_boards
from mtrbench.leaderboards.boards.protection import protection_boards
from mtrbench.leaderboards.output.render import markdown
from mtrbench.leaderboards.plots.attacks_models import shown_rows
from mtrbench.leaderboards.plots.heatmap import ROWS
from mtrbench.leaderboards.plots.registry import PLOTS

MODEL = "rooms3-shared.clean"
DAMAGES = {
    # ARD 1, 2, 3 and smallest task 0.9, 0.5, 0.6
    "total-pgd": {"segmentation": 0.9, "depth": 1.1, "normals": 1.0},
    "total-pgd@margin": {"segmentation": 0.5, "depth": 4.5, "normals": 1.0},
    "dgba-pgd": {"segmentation": 0.6, "depth": 6.4, "normals": 2.0},
    "dgba-pgd@margin": None,
}


def few():
    undefined = {**dict.fromkeys(TASKS, 1.0), "depth": None}
    alone = [make_record(attack="noise"), make_record(attack="signsum-pgd")]
    return [*alone, *(make_record(attack=name, damage=damage or undefined) for name, damage in DAMAGES.items())]


def pictured(records):
    """The pictures of records that make one group."""
    groups = group(records)
    (part,) = groups
    return {plot.name: drawn for plot in PLOTS if (drawn := plot.draw(part, groups)) is not None}


def test_losses_are_told_from_the_attack_by_its_facts():
    damage = dict.fromkeys(TASKS, 1.0)
    names = ("dgba-pgd", "dgba-pgd@margin")
    settings = [{"steps": steps} for steps in (5, 10)]
    records = [make_record(attack=name, damage=damage, settings=own) for name in names for own in settings]
    # To a balancing from elsewhere an "@" is as good a letter as any.
    records.append(make_record(attack="their@own-pgd", damage=damage, attack_facts={"losses": "train"}))
    (board,) = losses_boards(group(records))
    assert list(zip(board.column("attack"), board.column("losses"), strict=True)) == [
        (Name(f"dgba-pgd [steps={steps}]"), losses) for steps in (10, 5) for losses in ("margin", "train")
    ]


def test_members_of_an_ensemble_make_no_balancing():
    ensemble = "worst-of:dgba-pgd@aligned,noise"
    records = [*few(), make_record(attack=ensemble, damage=dict.fromkeys(TASKS, 1.0))]
    (board,), (plain,) = losses_boards(group(records)), losses_boards(group(few()))
    assert board.rows == plain.rows


def test_losses_board_holds_what_has_several_sets_by_ard_and_the_incomplete_last():
    (board,) = losses_boards(group(few()))
    assert list(zip(board.column("attack"), board.column("losses"), strict=True)) == [
        (Name("dgba-pgd"), "train"),
        (Name("total-pgd"), "margin"),
        (Name("total-pgd"), "train"),
        (Name("dgba-pgd"), "margin"),
    ]
    assert [cell.value for cell in board.column("ard")[:3]] == pytest.approx([3, 2, 1])
    assert [cell.value for cell in board.column("worst_task")[:3]] == pytest.approx([0.6, 0.5, 0.9])
    assert [cell.value for cell in board.column("arlc")[:3]] == pytest.approx([3, 2, 1])
    assert board.rows[3][2:] == ("incomplete", None, None, None)
    assert losses_boards(group(few()[::-1])) == [board]


def test_the_highest_of_each_column_is_bold():
    (board,) = losses_boards(group(few()))
    rows = [line.split("|")[1:-1] for line in markdown(board).splitlines() if line.startswith("|")][2:]
    bold = [[i for i, row in enumerate(rows) if row[column].strip().startswith("**")] for column in range(len(rows[0]))]
    # columns: attack, losses, ARD, worst task, ARLC, least loss change
    assert bold == [[], [], [0], [2], [0], [2]]


def test_every_model_has_a_losses_board_and_groups_without_sets_none():
    boards = losses_boards(group(loss_records(("dgba", "total"))))
    assert {dict(board.scope)["model"] for board in boards} == set(MODELS)
    assert all(len(board.rows) == 2 * 8 for board in boards)
    assert losses_boards(group([make_record(), make_record(attack="total-pgd")])) == []


def test_curves_run_over_tau_to_dgba_by_hand():
    found = curves(*group(protected_records(models=(MODEL,), tasks=("depth",))))
    assert [(curve.model, curve.task, curve.attack) for curve in found] == [
        (MODEL, "depth", "dgba-protected:depth-pgd")
    ]
    (curve,) = found
    assert tuple(point.tau for point in curve.points) == TAUS
    segmentation, depth, normals = DAMAGE["dgba-pgd"]
    assert curve.unprotected.protected.value == pytest.approx(depth)
    assert curve.unprotected.others.value == pytest.approx((segmentation + normals) / 2)
    for point in curve.points:
        assert point.protected.value == pytest.approx(depth * point.tau**0.7)
        assert ratio(point.others, curve.unprotected.others).value == pytest.approx(1 - 0.3 * (1 - point.tau) ** 4)


def test_shares_are_those_of_paired_replicates():
    a, b = make_record(attack="total-pgd"), make_record()
    found = ratio(ard(a), task_scores([(b, "depth")])[0])
    expected = np.mean(unpacked([a.degradation.replicates[t] for t in TASKS]), axis=0)
    expected /= unpacked([b.degradation.replicates["depth"]])[0]
    assert [found.estimate().low, found.estimate().high] == pytest.approx(np.quantile(expected, [0.025, 0.975]))


def test_a_share_of_no_damage_is_undefined():
    none = make_record(damage={"segmentation": 1.0, "depth": 0.0, "normals": 1.0})
    assert ratio(ard(none), task_scores([(none, "depth")])[0]).estimate().value is None


def test_protection_board_has_shares_and_ends_with_dgba():
    (board,) = protection_boards(group(protected_records(models=(MODEL,), tasks=("normals",))))
    assert board.column("tau") == (*TAUS, None)
    assert board.column("attack")[-1] == Name("dgba-pgd")
    assert [cell.value for cell in board.column("share_protected")] == pytest.approx([*(t**0.7 for t in TAUS), 1])
    assert "0.003" in markdown(board)


def test_protection_does_not_depend_on_the_order_of_records():
    records = protected_records()
    assert protection_boards(group(records)) == protection_boards(group(records[::-1]))


def test_a_single_tau_is_no_curve_and_other_steps_are_another():
    records = protected_records(models=(MODEL,), tasks=("depth",))
    assert curves(*group(records[:2])) == []
    damage = dict.fromkeys(TASKS, 1.0)
    more = [
        make_record(attack="dgba-protected:depth-pgd", damage=damage, settings={"steps": 40, "tau": tau})
        for tau in TAUS[:2]
    ]
    first, second = curves(*group([*records, *more]))
    assert {curve.attack: len(curve.points) for curve in (first, second)} == {
        "dgba-protected:depth-pgd [steps=10]": len(TAUS),
        "dgba-protected:depth-pgd [steps=40]": 2,
    }
    # DGBA was run with 10 steps only.
    assert [curve.unprotected is None for curve in (first, second)] == [False, True]


def test_without_dgba_there_are_numbers_but_neither_shares_nor_a_picture():
    records = protected_records(models=(MODEL,), tasks=("depth",))[1:]
    (board,) = protection_boards(group(records))
    assert set(board.column("share_others")) == {None}
    assert len(board.rows) == len(TAUS)
    assert "protection" not in pictured(records)


def test_incomplete_points_are_left_out():
    records = protected_records(models=(MODEL,), tasks=("depth",))
    undefined = {**dict.fromkeys(TASKS, 1.0), "depth": None}
    broken = make_record(attack="dgba-protected:depth-pgd", damage=undefined, settings={"tau": TAUS[0]})
    (curve,) = curves(*group([*records[:1], broken, *records[2:]]))
    assert tuple(point.tau for point in curve.points) == TAUS[1:]


@pytest.mark.parametrize("spared", [0.01, 0.0, -0.01], ids=["damage", "none", "gain"])
def test_pictures_are_drawn_whatever_the_sign(spared):
    records = protected_records(models=(MODEL,), tasks=("depth",))
    damage = {**dict.fromkeys(TASKS, 1.0), "depth": spared}
    records[1] = make_record(attack="dgba-protected:depth-pgd", damage=damage, settings={"tau": TAUS[0]})
    assert pictured(records)["protection"]["png"].startswith(b"\x89PNG")


def test_of_many_attacks_the_map_shows_those_ahead_on_every_model_and_the_controls():
    # The second model's numbers are small, and count as much as the first's.
    rng = np.random.default_rng(0)
    strength = rng.permutation(100)
    values = np.stack([10.0 + strength, 0.001 * strength], axis=1)
    names = [f"a{i}-pgd" for i in range(98)] + ["noise", "noise:uniform"]
    values[98:] = -1.0
    values[strength[:98].argmax()] = np.nan  # an incomplete attack is behind all others
    shown = shown_rows(names, values, {"noise", "noise:uniform"})
    known = [i for i in np.argsort(-strength[:98]) if np.isfinite(values[i, 0])]
    assert shown == [*known[: ROWS - 2], 98, 99]


def test_the_losses_have_a_picture_even_if_some_are_missing():
    assert pictured(loss_records(BALANCINGS[:2])[1:])["heatmap-balancings-losses"]["png"].startswith(b"\x89PNG")


def test_two_sets_of_losses_make_no_picture():
    assert "heatmap-balancings-losses" not in pictured(few())

"""Flags: each where it must be, and nowhere else."""

import numpy as np
import pytest
from helpers.make_records import MODELS, TASKS, estimate, make_record

from mtrbench.benchmark.stats import RESAMPLES, Bootstrapped
from mtrbench.leaderboards.analysis.flags import (
    BLACK_BOX_BEATS,
    NO_GRADIENT,
    NOISE,
    ONE_STEP,
    Raised,
    counted,
    flags,
    model_flags,
)
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.ranking import is_above
from mtrbench.leaderboards.boards.attacks import attack_boards
from mtrbench.leaderboards.boards.models import model_boards
from mtrbench.leaderboards.output.render import markdown, terminal, to_csv

MODEL = "rooms3-shared.clean"


def record(attack, value, model=MODEL, **more):
    """A record whose every task, and so its ARD, is degraded by `value`."""
    return make_record(model, attack, damage=dict.fromkeys(TASKS, value), **more)


def found(*records):
    """The flags by attack of records of one model."""
    (part,) = group(records)
    return {attack: raised for (_, attack), raised in flags(part).items()}


@pytest.mark.parametrize(("share", "raised"), [(0.0, ()), (0.05, ()), (0.06, (NO_GRADIENT,))])
def test_no_gradient_of_one_task_is_enough(share, raised):
    zero = {**dict.fromkeys(TASKS, 0.0), "depth": share}
    assert found(record("total-pgd", 1.0, diagnostics={"zero_gradient": zero})) == {"total-pgd": raised}


@pytest.mark.parametrize(
    ("noise", "raised"),
    [(0.4, ()), (0.5, (NOISE,)), (0.6, (NOISE,)), (None, ())],
    ids=["less", "same", "more", "unknown"],
)
def test_noise_that_does_as_much_is_a_flag(noise, raised):
    assert found(record("total-pgd", 0.5, diagnostics={"noise": estimate(noise)})) == {"total-pgd": raised}


@pytest.mark.parametrize(
    ("attack", "one_step", "raised"),
    [
        ("total-pgd", "total-fgsm", (ONE_STEP,)),
        ("total-apgd", "total-fgsm", (ONE_STEP,)),
        ("single:depth-pgd", "single:depth-fgsm", (ONE_STEP,)),
        ("dgba-worst-mim", "dgba-worst-fgsm", (ONE_STEP,)),
        ("dgba-pgd@masked-ce", "dgba-fgsm@masked-ce", (ONE_STEP,)),
        ("total-pgd", "dgba-fgsm", ()),
        ("dgba-pgd", "dgba-worst-fgsm", ()),
        ("single:depth-pgd", "single:normals-fgsm", ()),
        ("dgba-pgd@masked-ce", "dgba-fgsm", ()),
        ("dgba-pgd", "dgba-fgsm@masked-ce", ()),
        ("auto", "total-fgsm", ()),
    ],
)
def test_one_step_is_of_the_same_balancing_argument_and_losses(attack, one_step, raised):
    assert found(record(attack, 0.5), record(one_step, 1.0)) == {attack: raised, one_step: ()}
    assert found(record(attack, 1.0), record(one_step, 0.5)) == {attack: (), one_step: ()}


def test_one_step_has_the_same_settings():
    weak = record("total-pgd", 0.5, settings={"tau": 0.1})
    assert found(weak, record("total-fgsm", 1.0, settings={"tau": 0.1}))["total-pgd"] == (ONE_STEP,)
    assert found(weak, record("total-fgsm", 1.0, settings={"tau": 0.2}))["total-pgd"] == ()


def test_what_is_within_the_interval_of_the_difference_is_no_flag():
    near, far = record("total-fgsm", 1.0005), record("total-fgsm", 1.01)
    assert found(record("total-pgd", 1.0), near)["total-pgd"] == ()
    assert found(record("total-pgd", 1.0), far)["total-pgd"] == (ONE_STEP,)


def test_significance_is_paired():
    rng = np.random.default_rng(0)
    shared, own = rng.standard_normal((2, RESAMPLES))
    low, high = Bootstrapped(1.0, 1.0 + shared), Bootstrapped(1.1, 1.1 + shared + 0.01 * own)
    assert is_above(high, low)  # intervals of +-2 each
    assert not is_above(low, high)
    assert not is_above(low, low)
    assert not is_above(high, Bootstrapped(0.0, np.full(RESAMPLES, np.nan)))


def test_black_boxes_flag_white_boxes_but_neither_controls_nor_each_other():
    raised = found(
        record("square", 0.8),
        record("square:other", 2.0),
        record("noise", 0.01),
        record("noise:uniform", 0.01),
        record("total-pgd", 1.0),
        record("dgba-pgd", 3.0),
    )
    assert raised == {"total-pgd": (BLACK_BOX_BEATS,), "dgba-pgd": ()}


def test_one_model_says_nothing_of_another():
    pair = [record("total-pgd", 1.0), record("square", 3.0, model="rooms3-independent.clean")]
    assert found(*pair) == {"total-pgd": ()}


def test_incomplete_records_neither_raise_nor_get_flags():
    undefined = {**dict.fromkeys(TASKS, 1.0), "depth": None}
    for attack in ("total-fgsm", "square"):
        assert found(make_record(attack=attack, damage=undefined), record("total-pgd", 0.5)) == {"total-pgd": ()}
    assert found(make_record(attack="total-pgd", damage=undefined), record("square", 9.0)) == {}


def of_four():
    """Four models under three attacks; one step is better on two of them, the black box on one."""
    values = dict(zip(MODELS, [(1.0, 2.0, 0.1), (1.0, 2.0, 3.0), (1.0, 0.5, 0.1), (1.0, 0.5, 0.1)], strict=True))
    facts = {"adversary": None, "twin": None}
    names = ("total-pgd", "total-fgsm", "square")
    return [
        record(attack, value, model=model, facts=facts)
        for model, row in values.items()
        for attack, value in zip(names, row, strict=True)
    ]


def test_the_attack_board_counts_models():
    (board,) = attack_boards(group(of_four()))
    shown = dict(zip((cell.text for cell in board.column("attack")), board.column("flags"), strict=True))
    assert shown == {
        "total-pgd": (Raised(ONE_STEP, 2, 4), Raised(BLACK_BOX_BEATS, 1, 4)),
        "total-fgsm": (Raised(BLACK_BOX_BEATS, 1, 4),),
        "square": None,
    }
    assert f"*{ONE_STEP}*" in markdown(board)
    assert NOISE not in markdown(board)
    assert "beats it" not in terminal(board)
    assert "one step beats it (2 of 4); black box beats it (1 of 4)" in to_csv([board])


def test_order_of_the_records_does_not_matter():
    records = of_four()
    expected = attack_boards(group(records)), model_boards(group(records))
    assert (attack_boards(group(records[::-1])), model_boards(group(records[::-1]))) == expected


def test_a_model_has_the_flags_of_its_strongest_white_box():
    (part,) = group(of_four())
    first, second, *robust = MODELS
    assert model_flags(part) == {first: (), second: (BLACK_BOX_BEATS,), **dict.fromkeys(robust, ())}
    (board,) = model_boards([part])
    assert set(board.column("flags")) == {None, (Raised(BLACK_BOX_BEATS),)}
    assert "its strongest white-box attack" in markdown(board)


def test_counts_stand_only_beside_several_models():
    assert [*map(str, counted([(NOISE, ONE_STEP)]))] == [NOISE, ONE_STEP]
    assert [*map(str, counted([(NOISE,), ()]))] == [f"{NOISE} (1 of 2)"]
    assert counted([(), ()]) is None

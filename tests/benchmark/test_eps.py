"""Budgets are in 1/255; what is written in the images' unit is a fraction, and no number by mistake."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from helpers.commands import FAST, assert_refused, mtrbench
from hypothesis import given
from hypothesis import strategies as st

from mtrbench import BadInputError
from mtrbench.benchmark.protocol.eps import eps_255, written_eps
from mtrbench.benchmark.suites.suite import Suite
from mtrbench.models.training.recipe import Adversary


@given(st.integers(1, 255), st.integers(1, 1000))
def test_a_fraction_is_one_of_the_images_range(numerator: int, denominator: int) -> None:
    if numerator <= denominator:
        assert eps_255(f"{numerator}/{denominator}") == float(Fraction(255 * numerator, denominator))


@given(st.floats(1e-6, 255), st.sampled_from(["linf", "l2"]))
def test_what_is_written_is_read_to_the_last_digit(eps: float, norm: str) -> None:
    assert eps_255(written_eps(eps, norm), norm) == eps


@pytest.mark.parametrize(
    ("written", "eps"),
    [
        (4, 4.0),
        ("4", 4.0),
        ("4/255", 4.0),
        ("8/255", 8.0),
        (Fraction(8, 255), 8.0),
        ("0.5/255", 0.5),
        ("1/64", 255 / 64),
        (0.1, 0.1),
        (0.5, 0.5),
        (np.float32(4), 4.0),
        (np.int64(2), 2.0),
        (255, 255.0),
        (" 4 / 255 ", 4.0),
    ],
)
def test_numbers_are_in_255ths(written: Any, eps: float) -> None:
    assert eps_255(written) == eps


@pytest.mark.parametrize(
    "written", [0, -1, 256, float("nan"), float("inf"), "", "four", "4/0", "1/255/255", "2/1", True]
)
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_what_is_no_budget_is_refused(written: Any, norm: str) -> None:
    with pytest.raises(BadInputError, match=re.escape("eps must be a number in (0, 255], in units of 1/255")):
        eps_255(written, norm)


@pytest.mark.parametrize(("written", "meant"), [(4 / 255, "4"), (8 / 255, "8"), ("0.0157", "4"), (0.05, "12.8")])
def test_numbers_in_the_images_unit_are_doubted(written: Any, meant: str) -> None:
    with pytest.raises(BadInputError, match=re.escape(f"did you mean {meant}? Write '")):
        eps_255(written)
    assert eps_255(written, "l2") == float(written)
    assert eps_255(f"{written}/255") == pytest.approx(float(written))


SUITE = {"dataset": "rooms3", "models": ["a"], "attacks": ["noise"]}


def test_suites_and_recipes_are_read_in_the_same_way() -> None:
    assert Suite.model_validate({**SUITE, "eps": ["4/255", 2]}).eps == [4.0, 2.0]
    assert Suite.model_validate({**SUITE, "norm": "l2", "eps": [0.05]}).eps == [0.05]
    assert Adversary.model_validate({"attack": "total-pgd", "eps": "8/255", "share": 1.0}).eps == 8.0
    for eps, message in ((0.0157, "did you mean 4?"), ("4", "should be a valid number"), (0, "must be a number")):
        with pytest.raises(ValueError, match=re.escape(message)):
            Suite.model_validate({**SUITE, "eps": [eps]})
        with pytest.raises(ValueError, match=re.escape(message)):
            Adversary.model_validate({"attack": "total-pgd", "eps": eps, "share": 1.0})


def test_so_is_the_command_line() -> None:
    assert_refused(mtrbench("run", *FAST, "--eps", "0.0157"), "'--eps'", "did you mean 4?", "'0.0157/255'")
    assert_refused(mtrbench("gallery", "--norm", "linf", "--eps", "0.0157"), "did you mean 4?")
    assert_refused(mtrbench("run", *FAST, "--eps", "0.05", "--model", "none", "--norm", "l2"), "unknown model")
    assert_refused(mtrbench("run", *FAST, "--eps", "8/255", "--model", "none"), "unknown model")

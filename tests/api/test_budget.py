"""The budget at which a model loses half."""

from __future__ import annotations

import json
from math import log2
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import assert_refused, mtrbench
from hypothesis import given
from hypothesis import strategies as st

from mtrbench import BadInputError
from mtrbench.api.budget import HALVINGS, HIGHEST, LOWEST, bisect, budget
from mtrbench.leaderboards.analysis.half_lost import crossing


@given(st.floats(LOWEST, HIGHEST), st.floats(0.1, 4))
def test_bisection_closes_in_on_the_crossing(half: float, power: float) -> None:
    # ARD = 0.5 (eps / half)^power: what is found is within the last bracket, an eighth of an octave or so.
    seen: dict[float, float] = {}

    def ard_at(eps: float) -> float:
        seen[eps] = 0.5 * (eps / half) ** power
        return seen[eps]

    bisect(ard_at, 0.5)
    budgets = np.array(sorted(seen))
    found = float(crossing(budgets, np.array([seen[eps] for eps in budgets]), 0.5))
    assert abs(log2(found) - log2(half)) <= log2(HIGHEST / LOWEST) / 2**HALVINGS + 1e-3
    assert len(seen) <= HALVINGS + 1


def test_crossing_by_hand() -> None:
    budgets = np.array([1.0, 2.0, 8.0])
    ards = np.array([[0.1, 0.3, 0.7], [0.5, 0.6, 0.7], [0.1, 0.2, 0.3], [0.1, 0.6, 0.2], [0.1, np.nan, 0.7]])
    np.testing.assert_allclose(crossing(budgets, ards, 0.5), [4.0, 1.0, np.inf, 2**0.8, np.nan])


def test_its_records_are_those_of_evaluate_and_are_kept(tiny: Path, tmp_path: Path) -> None:
    found = budget(str(tiny), "total-fgsm", level=0.05, images=4, store=tmp_path)
    assert [*found.records] == sorted(found.records)
    ards = [record.degradation.ard.value for record in found.records.values()]
    assert found.eps.value is not None
    assert found.eps.low <= found.eps.value <= found.eps.high
    # Between the budgets beside it ARD passes the level.
    above = next(place for place, value in enumerate(ards) if value >= 0.05)
    assert ([LOWEST, *found.records])[above] <= found.eps.value <= [*found.records][above]
    kept = [*(tmp_path / "records").glob("*.json")]
    assert {path.stem for path in kept} >= {record.key for record in found.records.values()}
    outcome = mtrbench(
        "budget", tiny, "--attack", "total-fgsm", "--level", 0.05, "--images", 4, "--out", tmp_path, "--json"
    )
    (said,) = json.loads(outcome.out)
    assert said["eps"]["value"] == pytest.approx(found.eps.value)
    assert said["keys"] == [record.key for record in found.records.values()]


def test_what_is_never_lost_is_above_the_range(tiny: Path, tmp_path: Path) -> None:
    arguments = ("budget", tiny, "--attack", "noise", "--level", 9, "--images", 2, "--out", tmp_path)
    assert "above 16" in mtrbench(*arguments).out


def test_refusals(tiny: Path) -> None:
    with pytest.raises(BadInputError, match="the level of ARD must be above 0, not -1"):
        budget(str(tiny), level=-1)
    assert_refused(mtrbench("budget", "nowhere"), "nowhere")

"""The members of `auto` are the few attacks that are worst together, chosen on some models and checked on others."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import mtrbench

from mtrbench import BadInputError
from mtrbench.attacks.conformance.toys import Affine
from mtrbench.benchmark.complementary import Outcomes, greedy, mean_relative_ard
from mtrbench.cli.main import main
from mtrbench.cli.select_auto import select_auto


def outcomes(*values: list[float]) -> Outcomes:
    """A model of one task whose error is 1 on every clean image, and `values` (M, n) under the attacks: ARD + 1."""
    attacked = np.array(values)
    clean = np.full(2, float(attacked.shape[1]))
    return Outcomes("toy", {"a": Affine()}, {"a": clean}, {"a": np.stack([np.ones_like(attacked), attacked], axis=-1)})


HALVES = outcomes(
    [3.0, 3.0, 1.0, 1.0],  # 0: hits the first half, ARD 1
    [3.0, 3.0, 1.0, 1.4],  # 1: the same and a little more, the best alone
    [1.0, 1.0, 3.0, 2.0],  # 2: what 1 lacks, ARD 0.75
    [1.0, 1.0, 3.0, 1.5],  # 3: nearly that
    [1.0, 1.0, 1.0, 1.0],  # 4: nothing
)


def taken(costs: list[float], last_resorts: tuple[int, ...] = ()) -> list[int]:
    return [step.member for step in greedy([HALVES], np.array(costs), last_resorts)]


def test_ard_of_a_set_is_that_of_the_largest_values() -> None:
    rows = np.random.default_rng(0).uniform(1, 3, size=(4, 6))
    model = outcomes(*rows.tolist())
    for size in (1, 2, 3):
        for members in combinations(range(4), size):
            assert model.ard(members) == pytest.approx(rows[list(members)].max(axis=0).mean() - 1)
    np.testing.assert_allclose(model.singles, rows.mean(axis=1) - 1)


def test_best_alone_then_what_it_lacks() -> None:
    assert taken([1, 1, 1, 1, 1]) == [1, 2]
    (first, second) = greedy([HALVES], np.ones(5), ())
    assert first.value == first.gain == pytest.approx(1.0)
    assert second.value == pytest.approx((2 + 2 + 2 + 1) / (2 + 2 + 0 + 0.4))
    assert second.gain == pytest.approx(second.value - 1)


def test_a_cheap_member_goes_before_a_better_one() -> None:
    # 3 alone adds 2.1 of 6.4, 2 adds 2.6; 3 at half the cost goes first, and 2 adds the rest.
    assert taken([1, 1, 2, 1, 1]) == [1, 3, 2]
    assert taken([1, 1, 1.2, 1, 1]) == [1, 2]


def test_what_adds_too_little_stays_out_however_cheap() -> None:
    assert taken([1e-9, 1, 1, 1, 1e-9]) == [1, 2]


def test_a_last_resort_joins_whatever_it_adds() -> None:
    assert taken([1, 1, 1, 1, 1], (4,)) == [1, 2, 4]
    assert taken([1, 1, 1, 1, 1], (4, 0)) == [1, 2, 0]  # neither adds anything; the stronger one alone
    assert taken([1, 1, 1, 1, 1], (2, 4)) == [1, 2]  # there is one already


def test_a_model_weighs_as_much_as_another_however_fragile() -> None:
    fragile, robust = outcomes([101.0, 1.0], [51.0, 1.0]), outcomes([1.1, 1.0], [1.0, 1.2])
    assert mean_relative_ard([fragile, robust], [0]) == pytest.approx((1 + 0.5) / 2)
    assert mean_relative_ard([fragile, robust], [0, 1]) == pytest.approx((1 + 1.5) / 2)


@pytest.mark.parametrize("values", [[1.0, np.nan], [1.0, 0.5]])
def test_candidates_without_damage_are_refused(values: list[float]) -> None:
    with pytest.raises(BadInputError, match="toy: a candidate's ARD is undefined, or none is above 0"):
        outcomes(values, [1.0, 1.0])


SUITE = """
dataset = "rooms3"
images = 4
seed = 0
norm = "linf"
eps = [{eps}]
steps = 1
models = ["{model}"]
attacks = ["noise", "total-fgsm", "dgba-fgsm"]
"""


def select(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["select_auto", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main(select_auto, "select_auto")
    printed = capsys.readouterr()
    return int(stop.value.code or 0), printed.out + printed.err


def test_command_reads_what_a_run_has_left(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tmp_path / "few.toml"
    few.write_text(SUITE.format(model=tiny, eps="8, 16"))
    code, said = select(monkeypatch, capsys, few, "--out", tmp_path)
    assert (code, said.count("\n")) == (2, 1)
    assert f"run mtrbench run {few} --out {tmp_path} first" in said
    assert mtrbench("run", few, "--workers", 1, "--out", tmp_path).code == 0
    code, said = select(monkeypatch, capsys, few, "--out", tmp_path)
    assert code == 0
    for word in ("noise", "-fgsm", "tiny (eps 8/255)", "tiny (eps 16/255)", "Chosen on"):
        assert word in said

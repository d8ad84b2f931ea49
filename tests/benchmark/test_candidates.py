"""`auto` is the candidate that does most damage for its cost, chosen on some models and checked on others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.commands import mtrbench

from mtrbench import BadInputError
from mtrbench.attacks.conformance.toys import Affine
from mtrbench.benchmark.candidates import Outcomes, choice, relative_ards
from mtrbench.cli.main import main
from mtrbench.cli.select_auto import part_of, select_auto


def outcomes(*values: list[float]) -> Outcomes:
    """A model of one task whose error is 1 on every clean image, and `values` (M, n) under the attacks: ARD + 1."""
    attacked = np.array(values)
    clean = np.full(2, float(attacked.shape[1]))
    return Outcomes("toy", {"a": Affine()}, {"a": clean}, {"a": np.stack([np.ones_like(attacked), attacked], axis=-1)})


FRAGILE, ROBUST = outcomes([101.0, 1.0], [51.0, 1.0]), outcomes([1.0, 1.1], [1.2, 1.0])


def test_ard_is_the_mean_relative_change() -> None:
    np.testing.assert_allclose(FRAGILE.ards, [50, 25])
    np.testing.assert_allclose(ROBUST.ards, [0.05, 0.1])


def test_a_model_weighs_as_much_as_another_however_fragile() -> None:
    np.testing.assert_allclose(relative_ards([FRAGILE, ROBUST]), [0.75, 0.75])
    np.testing.assert_allclose(relative_ards([ROBUST]), [0.5, 1])


def test_the_strongest_is_chosen_among_those_that_can_be_paid() -> None:
    assert choice([FRAGILE], np.array([20.0, 10.0]), 20) == 0
    assert choice([FRAGILE], np.array([20.0, 10.0]), 19) == 1
    assert choice([FRAGILE, ROBUST], np.array([20.0, 10.0]), 20) == 0  # equal: the first
    with pytest.raises(BadInputError, match="every candidate costs more than 9; the cheapest costs 10"):
        choice([FRAGILE], np.array([20.0, 10.0]), 9)


def test_halves_are_the_first_models_and_what_is_added_has_no_part() -> None:
    choosing = ["a", "b", "c", "d", "e", "f"]
    assert [part_of(name, choosing)[-1] for name in choosing] == [*"ABBAAB"]
    assert part_of("g", choosing) == "no part"


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
    assert code == 0, said
    for word in ("noise", "-fgsm", "tiny (eps 8/255)", "tiny (eps 16/255)", "half A"):
        assert word in said

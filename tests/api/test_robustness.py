"""Robustness as an assertion: limits, baselines, and the plug-in that pytest loads."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from mtrbench import BadInputError, Record, assert_robust, records
from mtrbench.api.robustness import UPDATING
from mtrbench.attacks.optimizers.pgd import PGD
from mtrbench.benchmark.protocol.reading import read_records

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
PLUGIN = "mtrbench.api.pytest_plugin"
WEAK = {"images": 2, "steps": 1, "eps": 1}


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "robust"


def test_damage_below_the_limits_passes_and_gives_the_record(tiny: Path, store: Path) -> None:
    record = assert_robust(str(tiny), "noise", ard_at_most=9, tasks_at_most={"depth": 9}, store=store, **WEAK)
    assert isinstance(record, Record)
    assert record.key in {one.key for one in records(store / "records")}


def test_damage_above_a_limit_is_named_with_its_interval(tiny: Path, store: Path) -> None:
    with pytest.raises(AssertionError, match=r"noise on tiny \(eps 1/255\)\n  ARD is .*\], and may be -9\n  depth is"):
        assert_robust(str(tiny), "noise", ard_at_most=-9, tasks_at_most={"depth": -9}, store=store, **WEAK)


def test_what_is_undefined_is_not_robust(tiny: Path, monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    record = assert_robust(str(tiny), "noise", ard_at_most=9, store=store, **WEAK)
    ard = replace(record.degradation.ard, value=None, low=None, high=None)
    without = record.model_copy(update={"degradation": record.degradation.model_copy(update={"ard": ard})})
    monkeypatch.setattr("mtrbench.api.robustness.evaluate_with_clean", lambda *_, **__: (without, None))
    with pytest.raises(AssertionError, match="ARD is undefined"):
        assert_robust(str(tiny), "noise", ard_at_most=9)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "ard_at_most"),
        ({"tasks_at_most": {"dept": 1}}, "did you mean depth"),
        ({"baseline": "b.json", "fail_if": ["ard"]}, "ard:"),
    ],
)
def test_bad_input(tiny: Path, store: Path, given: dict[str, object], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        assert_robust(str(tiny), "noise", store=store, **WEAK, **given)


class TestBaseline:
    @pytest.fixture
    def baseline(self, tiny: Path, store: Path, tmp_path: Path) -> Path:
        token = UPDATING.set(True)
        assert_robust(str(tiny), "total-pgd", baseline=tmp_path / "robustness.json", store=store, **WEAK)
        UPDATING.reset(token)
        return tmp_path / "robustness.json"

    def test_the_same_passes(self, baseline: Path, tiny: Path) -> None:
        before = baseline.read_bytes()
        assert_robust(str(tiny), "total-pgd", baseline=baseline, **WEAK)
        assert baseline.read_bytes() == before
        assert len(read_records(baseline)) == 2  # the clean pass, too

    def test_a_fall_is_named_with_scores_and_interval(
        self, baseline: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = PGD._run
        monkeypatch.setattr(PGD, "_run", lambda self, *given: run(replace(self, reach=self.reach / 10), *given))
        token = UPDATING.set(True)
        assert_robust(str(tiny), "total-pgd", baseline=baseline, **WEAK)  # weaker now, and so better
        UPDATING.reset(token)
        monkeypatch.undo()
        with pytest.raises(AssertionError, match=r"not robust: total-pgd on tiny.*\n.* -> .* 95 % \[\+"):
            assert_robust(str(tiny), "total-pgd", baseline=baseline, **WEAK)
        assert_robust(str(tiny), "total-pgd", baseline=baseline, fail_if=["ard:+9", "tasks:+9"], **WEAK)

    def test_a_cell_that_the_baseline_lacks_fails_and_is_added_on_demand(
        self, baseline: Path, tiny: Path, store: Path
    ) -> None:
        with pytest.raises(AssertionError, match="missing; the nearest has attack total-pgd instead of noise"):
            assert_robust(str(tiny), "noise", baseline=baseline, store=store, fail_if=["ard:+0.02"], **WEAK)
        token = UPDATING.set(True)
        assert_robust(str(tiny), "noise", baseline=baseline, store=store, **WEAK)
        UPDATING.reset(token)
        assert_robust(str(tiny), "noise", baseline=baseline, store=store, **WEAK)
        assert_robust(str(tiny), "total-pgd", baseline=baseline, store=store, **WEAK)

    def test_no_baseline_fails(self, tiny: Path, store: Path, tmp_path: Path) -> None:
        with pytest.raises(AssertionError, match="--mtrbench-update"):
            assert_robust(str(tiny), "noise", baseline=tmp_path / "none.json", store=store, **WEAK)


TEST = """
import mtrbench


def test_by_the_fixture(assert_robust):
    assert_robust({model!r}, "noise", images=2, eps=1)


def test_by_the_function():
    mtrbench.assert_robust({model!r}, "total-fgsm", images=2, eps=1, baseline="other.json")
"""


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    loaded = {found.value for found in entry_points(group="pytest11")}  # unless the checkout is not installed
    plugin = [] if PLUGIN in loaded else ["-p", PLUGIN]
    return project.runpytest_inprocess(*plugin, *options)


class TestPlugin:
    """Pytest in a project of somebody else's."""

    @pytest.fixture
    def project(self, tiny: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
        # Nor is the checkout there, where a build may have left a second description of the package.
        monkeypatch.setattr(sys, "path", [place for place in sys.path if Path(place).resolve() != ROOT])
        pytester.makepyfile(TEST.format(model=str(tiny)))
        pytester.makeini("[pytest]\nmtrbench_baseline = base.json\nfilterwarnings = error\n")
        return pytester

    def test_update_writes_and_the_next_run_compares(self, project: pytest.Pytester) -> None:
        outcome = run(project)
        outcome.assert_outcomes(failed=2)
        outcome.stdout.fnmatch_lines(["*there is no baseline *base.json; write it with pytest --mtrbench-update*"])
        run(project, "--mtrbench-update").assert_outcomes(passed=2)
        assert {path.name for path in project.path.glob("*.json")} == {"base.json", "other.json"}
        run(project).assert_outcomes(passed=2)

    def test_several_processes_do_not_write_one_file(self, project: pytest.Pytester) -> None:
        outcome = run(project, "--mtrbench-update", "-n", "2")
        assert outcome.ret == 4
        outcome.stderr.fnmatch_lines(["*leave out -n*"])

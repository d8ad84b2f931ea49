"""`mtrbench check` on a real model: the same, other weights, another attack, and baselines."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

import pytest
from helpers.commands import Outcome, assert_refused, files, mtrbench

from mtrbench import load_model
from mtrbench.api.cards import stored, write_card
from mtrbench.api.records import PUBLISHED
from mtrbench.attacks.optimizers.pgd import PGD
from mtrbench.benchmark.protocol.reading import read_records
from mtrbench.benchmark.protocol.records import Record
from mtrbench.models.card import Weights, read_card
from mtrbench.models.fingerprint import fingerprint

SUITE = """
dataset = "rooms3"
images = 4
eps = [4]
steps = 2
models = ["{model}"]
attacks = ["total-pgd", "noise"]
"""


def suite(folder: Path, model: Path) -> Path:
    path = folder / "mine.toml"
    path.write_text(SUITE.format(model=model))
    return path


def other_weights(card: Path, folder: Path, factor: float, places: tuple[int, ...] = (0, 0, 0, 0)) -> Path:
    """The card of the same model with one weight of a convolution times `factor`, or all at the `places`."""
    model, about = load_model(str(card)), read_card(card)
    weight = next(one for one in model.net.parameters() if one.ndim == 4)
    weight.data[places] *= factor
    content = stored(model)
    weights = Weights(file="weights.safetensors", sha256=sha256(content).hexdigest())
    changed = about.model_copy(update={"weights": weights, "fingerprint": fingerprint(model, about.size)})
    return write_card(changed, content, folder)


@pytest.fixture(scope="module")
def measured(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A suite, and a folder of its records."""
    folder = tmp_path_factory.mktemp("measured")
    own = suite(folder, tiny)
    outcome = mtrbench("run", own, "--workers", 1, "--out", folder / "out")
    assert outcome.code == 0, outcome.err
    return own, folder / "out" / "records"


@pytest.fixture
def weaker_pgd(monkeypatch: pytest.MonkeyPatch) -> None:
    """PGD whose code takes a step a tenth as long, which its version and settings do not say."""
    run = PGD._run
    monkeypatch.setattr(PGD, "_run", lambda self, *given: run(replace(self, reach=self.reach / 10), *given))


def again(own: Path, records: Path, *options: object) -> Outcome:
    return mtrbench("check", own, "--records", records, "--workers", 1, *options)


class TestMeasuredAgain:
    def test_an_unchanged_checkout_is_green_to_the_digit(self, measured: tuple[Path, Path]) -> None:
        outcome = again(*measured)
        assert (outcome.code, outcome.out.splitlines()[0]) == (0, "3 cells compared: 3 same")

    def test_one_weight_changed_by_one_percent_is_red_and_names_the_cells(
        self, measured: tuple[Path, Path], tiny: Path, tmp_path: Path
    ) -> None:
        own = suite(tmp_path, other_weights(tiny, tmp_path / "tiny", 1.01))
        outcome = again(own, measured[1])
        assert outcome.code == 1
        assert outcome.out.startswith("3 cells compared: 3 differs")
        for cell in ("clean pass on tiny", "total-pgd on tiny", "noise on tiny"):
            assert cell in outcome.out
        assert "also differs: another weights of the model (3 cells)" in outcome.out

    @pytest.mark.usefixtures("weaker_pgd")
    def test_another_step_of_pgd_is_red_and_names_its_cell_alone(self, measured: tuple[Path, Path]) -> None:
        outcome = again(*measured, "--json")
        assert outcome.code == 1
        cells = {cell["title"]: cell["verdict"] for cell in json.loads(outcome.out)["cells"]}
        assert cells == {
            "total-pgd on tiny (eps 4/255)": "differs",
            "noise on tiny (eps 4/255)": "same",
            "clean pass on tiny": "same",
        }

    def test_another_default_of_pgd_is_red_too(
        self, measured: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps, _, *others = PGD.__init__.__defaults__ or ()
        monkeypatch.setattr(PGD.__init__, "__defaults__", (steps, 2.0, *others))
        outcome = again(*measured)
        assert outcome.code == 1
        assert "setting reach 1.0 -> 2.0 of the attack" in outcome.out

    def test_a_record_by_the_beginning_of_its_key_and_a_sample(
        self, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = "rooms3-shared.clean"  # names on records are found where models are registered
        made = ("run", "--model", model, "--attack", "total-fgsm", "--images", 2, "--workers", 1, "--out", tmp_path)
        assert mtrbench(*made).code == 0
        records = tmp_path / "records"
        key = next(one.key for one in read_records(records) if isinstance(one, Record))
        outcome = mtrbench("check", key[:8], "--records", records, "--workers", 1)
        assert (outcome.code, outcome.out.splitlines()[0]) == (0, "1 cell compared: 1 same")
        outcome = mtrbench("check", "--sample", 1, "--seed", 3, "--records", records, "--workers", 1)
        assert (outcome.code, outcome.out.splitlines()[0]) == (0, "1 cell compared: 1 same")
        assert "1 cells drawn by --seed 3" in outcome.err
        assert_refused(mtrbench("check", "0000000", "--records", records), "0000000")

    def test_what_came_out_again_has_evidence_of_it(
        self, measured: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert again(*measured, "--evidence", tmp_path / "here").code == 0
        assert {record.tier for record in read_records(tmp_path / "here")} == {"re-run"}
        assert all(record.evidence[0].exact for record in read_records(tmp_path / "here"))
        ci = {"ACTIONS": "true", "SERVER_URL": "https://github.com", "REPOSITORY": "o/r", "RUN_ID": "7"}
        for name, value in ci.items():
            monkeypatch.setenv(f"GITHUB_{name}", value)
        assert again(measured[0], tmp_path / "here", "--evidence", tmp_path / "ci").code == 0
        (found,) = {
            (record.tier, record.evidence[-1].run, len(record.evidence)) for record in read_records(tmp_path / "ci")
        }
        assert found == ("checked in CI", "https://github.com/o/r/actions/runs/7", 2)

    @pytest.mark.usefixtures("weaker_pgd")
    def test_what_differs_gets_none(self, measured: tuple[Path, Path], tmp_path: Path) -> None:
        assert again(*measured, "--evidence", tmp_path / "here").code == 1
        assert {record.cell.title for record in read_records(tmp_path / "here")} == {
            "clean pass on tiny",
            "noise on tiny (eps 4/255)",
        }

    def test_a_published_cell_repeats(self) -> None:
        record = next(
            one
            for one in read_records(PUBLISHED / "all-attacks" / "rooms3-shared.clean.jsonl.gz")
            if isinstance(one, Record) and one.attack.name == "total-fgsm"
        )
        outcome = mtrbench("check", record.key[:16], "--workers", 1)
        assert outcome.code == 0, outcome.out
        assert outcome.out.startswith("1 cell compared: 1 ")

    def test_cells_of_models_that_are_not_here_are_named_and_none_left_is_no_success(
        self, measured: tuple[Path, Path]
    ) -> None:
        outcome = mtrbench("check", "--sample", 2, "--records", measured[1], "--workers", 1)
        assert outcome.code == 2
        assert outcome.out.count("unknown model 'tiny'") == 2

    def test_cells_whose_data_is_not_at_hand_are_left_out_and_named(self, measured: tuple[Path, Path]) -> None:
        suites = measured[0].with_name("more.toml")
        suites.write_text(measured[0].read_text().replace("[4]", "[4, 8]"))
        outcome = again(suites, measured[1])
        assert outcome.code == 0
        assert outcome.out.startswith("3 cells compared: 3 same, 2 left out")
        assert "left out, 2 cells: no record of it is published: total-pgd on tiny (eps 8/255)" in outcome.out

    def test_a_suite_of_which_nothing_is_published_is_no_success(self, measured: tuple[Path, Path]) -> None:
        suites = measured[0].with_name("other.toml")
        suites.write_text(measured[0].read_text().replace("images = 4", "images = 3"))
        assert again(suites, measured[1]).code == 2

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ([], "--sample N"),
            (["nothing-like-it"], "unknown suite"),
            (["quick", "--update"], "--baseline"),
            (["quick", "--fail-if", "ard:+1"], "--baseline"),
            (["quick", "--records", "nowhere"], "nowhere"),
            (["--baseline", "none.json"], "--records"),
            (["quick", "--baseline", "none.json", "--sample", "3"], "--sample"),
            (["--baseline", "none.json", "--records", "nowhere", "--fail-if", "ard"], "ard:+0.02"),
        ],
    )
    def test_refusals(self, words: list[str], said: str) -> None:
        assert_refused(mtrbench("check", *words), said)


class TestBaseline:
    @pytest.fixture
    def baseline(self, measured: tuple[Path, Path], tmp_path: Path) -> Path:
        path = tmp_path / "robustness.json"
        outcome = mtrbench("check", "--baseline", path, "--records", measured[1], "--update")
        assert (outcome.code, outcome.out) == (0, f"3 records in {path}\n")
        return path

    def test_the_same_records_are_green(self, baseline: Path, measured: tuple[Path, Path]) -> None:
        outcome = mtrbench("check", "--baseline", baseline, "--records", measured[1])
        assert (outcome.code, outcome.out.splitlines()[0]) == (0, "3 cells compared: 3 same")
        assert read_records(baseline) == read_records(measured[1])

    def test_a_suite_is_run_first_and_its_store_kept(
        self, baseline: Path, measured: tuple[Path, Path], tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        words = ("check", measured[0], "--baseline", baseline, "--workers", 1, "--out", out)
        assert mtrbench(*words).code == 0
        before = files(out)
        assert len([name for name in before if name.startswith("records")]) == 3
        assert mtrbench(*words).code == 0
        assert files(out) == before

    @pytest.mark.usefixtures("weaker_pgd")
    def test_robustness_that_improved_is_green_and_the_other_way_round_it_fell(
        self, baseline: Path, measured: tuple[Path, Path], tmp_path: Path
    ) -> None:
        out, tolerant = tmp_path / "out", ("--fail-if", "tasks:+9")  # one task may fall though ARD does not
        outcome = mtrbench("check", measured[0], "--baseline", baseline, "--workers", 1, "--out", out, *tolerant)
        assert (outcome.code, outcome.out.splitlines()[0]) == (0, "3 cells compared: 1 improved, 2 same")

        weaker = tmp_path / "weaker.json"
        assert mtrbench("check", "--baseline", weaker, "--records", out / "records", "--update").code == 0
        words = ("check", "--baseline", weaker, "--records", measured[1])
        reports = ("--junit", tmp_path / "junit.xml", "--markdown", tmp_path / "report.md", "--github")
        outcome = mtrbench(*words, *reports)
        assert (outcome.code, outcome.out.splitlines()[0]) == (1, "3 cells compared: 1 fell, 2 same")
        assert "::error title=total-pgd on tiny (eps 4/255)::ard" in outcome.err
        root = ElementTree.parse(tmp_path / "junit.xml").getroot()  # noqa: S314
        assert [case.attrib["name"].split(",")[0] for case in root.iter("testcase") if len(case)] == [
            "total-pgd on tiny (eps 4/255)"
        ]
        assert "total-pgd on tiny" in (tmp_path / "report.md").read_text()
        assert mtrbench(*words, "--fail-if", "ard:+9", *tolerant).code == 0

    def test_other_weights_are_compared_and_told(self, baseline: Path, tiny: Path, tmp_path: Path) -> None:
        own = suite(tmp_path, other_weights(tiny, tmp_path / "tiny", 0.0, places=(0,)))
        outcome = mtrbench("check", own, "--baseline", baseline, "--workers", 1, "--out", tmp_path / "out")
        assert outcome.code == 1
        assert "clean.segmentation.miou" in outcome.out
        assert "also differs: another weights of the model (3 cells)" in outcome.out

    def test_a_missing_cell_cannot_be_compared(
        self, baseline: Path, measured: tuple[Path, Path], tmp_path: Path
    ) -> None:
        kept = tmp_path / "kept"
        kept.mkdir()
        for path in measured[1].glob("*.json"):
            if "total-pgd" not in path.read_text():
                (kept / path.name).write_bytes(path.read_bytes())
        outcome = mtrbench("check", "--baseline", baseline, "--records", kept)
        assert outcome.code == 2
        assert "total-pgd on tiny (eps 4/255)" in outcome.out
        assert "missing" in outcome.out

    def test_summary_goes_to_the_runner(
        self, baseline: Path, measured: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
        (tmp_path / "summary.md").write_text("before\n")
        assert mtrbench("check", "--baseline", baseline, "--records", measured[1], "--github").code == 0
        assert (tmp_path / "summary.md").read_text().startswith("before\n## Robustness check passed")

    def test_a_baseline_is_a_list_a_line_each_or_packed(self, measured: tuple[Path, Path], tmp_path: Path) -> None:
        words = ("check", "--records", measured[1], "--update", "--baseline")
        for name in ("b.json", "b.jsonl.gz"):
            assert mtrbench(*words, tmp_path / name).code == 0
            assert read_records(tmp_path / name) == read_records(measured[1])
        assert len((tmp_path / "b.json").read_text().splitlines()) == 3 + 2
        assert_refused(mtrbench(*words, tmp_path / "b.toml"), "b.toml")
        assert not (tmp_path / "b.toml").exists()

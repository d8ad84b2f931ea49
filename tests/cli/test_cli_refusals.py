"""The command line on bad input: one line each, and nothing written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.commands import FAST, assert_refused, files, mtrbench
from helpers.make_records import make_record
from helpers.nyuv2_files import write_sample

from mtrbench.models.registry import model_names


def assert_run_refused(out: Path, arguments: tuple[object, ...], *words: str) -> None:
    assert_refused(mtrbench("run", *arguments, "--out", out), *words)
    assert not out.exists()


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["quux"], ["unknown command 'quux'", "known: budget, card, check, data, gallery"]),
            (["rnu"], ["unknown command 'rnu'", "did you mean run"]),
            (["run", "quik"], ["unknown suite 'quik'", "did you mean quick?"]),
            (["run", "--model", "rooms3-shard.clean"], ["unknown model 'rooms3-shard.clean'"]),
            (["run", "quick", "standard"], ["unexpected extra argument (standard)"]),
            (["run", "--bogus"], ["No such option '--bogus'"]),
            (["run", "--eps"], ["'--eps' requires an argument"]),
            (["run", "--norm", "l3"], ["'--norm'", "'linf', 'l2'"]),
            (["run", "--seed", "x"], ["'--seed'", "not a valid integer"]),
            (["run", "--device", "cuda"], ["there is no device 'cuda' here", "use cpu"]),
            (["run", "--device", "gpu"], ["there is no device 'gpu' here"]),
            (["run", "--device", "meta"], ["there is no device 'meta' here"]),
            (["train", "none.toml"], ["recipe none.toml cannot be read"]),
            (["leaderboard", "--records", "none"], ["no records at none", "mtrbench run"]),
            (["leaderboard", "--readme", "none.md"], ["'--readme'", "does not exist"]),
            (
                ["list"],
                ["Missing argument 'KIND'", "attacks, balancings, optimizers, losses, datasets"],
            ),
            (["list", "model"], ["'KIND'", "'model' is not one of 'models'"]),
            (["show", "model"], ["Missing argument 'NAME'"]),
            (["show", "thing", "x"], ["'KIND'", "'model', 'attack', 'record'"]),
            (["show", "model", "no.toml"], ["card no.toml cannot be read"]),
            (["show", "model", "."], ["'.' is a file or folder, but no card"]),
            (["show", "attack", "dgba-pdg"], ["unknown attack 'dgba-pdg'", "did you mean dgba-pgd"]),
            (["show", "attack", "single-pgd"], ["lacks its task", "single:TASK-pgd"]),
            (["show", "record", "none.json"], ["there is no file none.json", "key"]),
            (["show", "record", "0" * 20], ["no record in mtrbench-results", "begins with 0000"]),
            (["records", "pack", "none", "--out", "some"], ["no records at none", "mtrbench run"]),
            (["records", "pack", "--out", "some"], ["Missing argument 'RECORDS...'"]),
            (["records", "pak"], ["No such command 'pak'"]),
        ],
        ids=lambda value: " ".join(value) if len(value) < 4 else None,
    )
    def test_without_a_model(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: Any, words: Any) -> None:
        monkeypatch.chdir(tmp_path)
        if arguments[-2:] == ["--device", "cuda"]:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
            monkeypatch.setattr("torch.cuda.is_available", lambda: False)
            monkeypatch.setattr("torch._C._cuda_getDeviceCount", lambda: 0, raising=False)
        assert_refused(mtrbench(*arguments), *words)
        assert not any(tmp_path.iterdir())

    @pytest.mark.parametrize("eps", ["0", "-1", "256", "nan", "abc", "inf", ""])
    def test_budget(self, out: Path, eps: str) -> None:
        assert_run_refused(out, ("--eps", eps), "'--eps'", "must be a number in (0, 255], in units of 1/255", repr(eps))

    @pytest.mark.parametrize("option", ["--images", "--steps", "--workers", "--batch"])
    @pytest.mark.parametrize("value", ["0", "-3", "many"])
    def test_count(self, out: Path, option: str, value: str) -> None:
        assert_run_refused(out, (option, value), f"'{option}'")

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--attack", "total-pdg"], ["unknown attack 'total-pdg'", "did you mean total-pgd"]),
            (["--attack", "single-pgd"], ["lacks its task"]),
            (["--attack", "single:dept-pgd"], ["task of attack 'single:dept-pgd': 'dept'", "did you mean depth"]),
            (["--attack", "single:depth-pgd", "--targets", "normals"], ["unknown task of attack", "known: normals"]),
            (["--attack", "total:x-pgd"], ["total takes no argument"]),
            (["--attack", "dgba:cleen-pgd"], ["unknown denominator of dgba 'cleen'; did you mean clean"]),
            (["--attack", "no.such:attack"], ["'no.such:attack'", "no module no is installed"]),
            (["--attack", "os.path:isfile"], ["'os.path:isfile' is no class, and as a function it takes (path)"]),
            (["--attack", ""], ["unknown attack ''"]),
            (["--dataset", "room3"], ["unknown data set 'room3'", "did you mean rooms3"]),
            (["--dataset", "nyuv2"], ["pass --data-root FOLDER"]),
            (["--data-root", "."], ["leave out root"]),
            (["--images", "257"], ["256"]),
            (["--targets", "dept"], ["unknown task of model tiny 'dept'", "did you mean depth"]),
            (["--targets", "depth,"], ["'--targets'", "names separated by commas"]),
            (["--targets", "depth, depth"], ["'--targets'", "each once"]),
            (["--targets", ""], ["'--targets'"]),
            (["--targets", "a<b"], ["a<b"]),
            (["--norm", "linf", "--model", "other/../tiny.toml"], ["cannot be read"]),
        ],
        ids=lambda value: " ".join(value) if value and value[0].startswith("--") else None,
    )
    def test_with_a_model(self, tiny: Path, out: Path, arguments: Any, words: Any) -> None:
        assert_run_refused(out, ("--model", tiny, "--attack", "noise", *arguments), *words)

    def test_two_models_of_one_name(self, tiny: Path, out: Path) -> None:
        twice = ("--model", tiny, "--model", tiny.parent / ".." / tiny.parent.name / tiny.name)
        assert_run_refused(out, twice, "are both called tiny")

    def test_unknown_model_names_the_nearest(self, out: Path) -> None:
        name = model_names()[0]
        assert_run_refused(out, ("--model", name[:-1]), f"did you mean {name}")

    def test_out_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert_refused(mtrbench("run", "--out", tmp_path / "file"), "'--out'", "is a file")

    def test_out_that_cannot_be_made(self, tiny: Path, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        outcome = mtrbench("run", "--model", tiny, *FAST, "--out", tmp_path / "file" / "out")
        assert outcome.code == 2
        assert re.fullmatch(r"mtrbench: .*file.*", outcome.err.splitlines()[-1])
        assert "--debug" not in outcome.err

    @pytest.mark.parametrize("workers", [1, 2])
    def test_what_an_attack_raises_is_told_of_it_and_the_model(self, tiny: Path, tmp_path: Path, workers: int) -> None:
        path, words = tmp_path / "broken.py", "Broken on tiny (eps 4/255): KeyError: 'depht' (broken.py, line 7)"
        path.write_text(
            "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Broken:\n"
            "    def __call__(self, model, batch, threat, noise):\n        return batch.truth['depht']\n"
        )
        arguments = ("--model", tiny, "--attack", f"{path}:Broken", "--images", 2, "--workers", workers)
        outcome = mtrbench("run", *arguments, "--out", tmp_path / "out")
        assert outcome.code == 2
        assert outcome.err.splitlines()[-1] == f"mtrbench: {path}:{words}"

    def test_what_nobody_foresaw_is_one_line_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("mtrbench.models.registry.model_names", lambda: 1 / 0)
        outcome = mtrbench("list", "models")
        assert (outcome.code, outcome.err.count("\n")) == (2, 1)
        assert "unexpected ZeroDivisionError" in outcome.err
        assert "--debug" in outcome.err

    def test_debug_shows_the_traceback(self) -> None:
        outcome = mtrbench("--debug", "show", "model", "none.toml")
        assert outcome.code == 2
        assert outcome.err.startswith("Traceback")
        assert "BadInputError" in outcome.err

    def test_nothing_asked_for_gets_help(self) -> None:
        outcome = mtrbench()
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("Usage:")


class TestDataRoot:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        write_sample(tmp_path / "nyuv2", "0001")
        return tmp_path / "nyuv2"

    def arguments(self, tiny: Path, root: Path) -> tuple[object, ...]:
        return ("--model", tiny, "--dataset", "nyuv2", "--data-root", root, "--attack", "noise", "--workers", 1)

    def test_sound_is_taken(self, tiny: Path, root: Path, out: Path) -> None:
        assert mtrbench("run", *self.arguments(tiny, root), "--out", out).code == 0

    def test_format_is_taken_at_its_word(self, tiny: Path, root: Path, out: Path) -> None:
        assert mtrbench("run", *self.arguments(tiny, root), "--format", "adashare", "--out", out).code == 0
        assert_run_refused(out / "2", (*self.arguments(tiny, root), "--format", "mtan"), "val is missing")
        assert_run_refused(
            out / "3", (*self.arguments(tiny, root), "--format", "a"), "unknown format of data set nyuv2"
        )

    def test_format_of_nothing(self, tiny: Path, out: Path) -> None:
        arguments = ("--model", tiny, "--format", "mtan", "--attack", "noise")
        assert_run_refused(out, arguments, "--format mtan", "say which by --data-root")

    def test_format_of_what_has_one(self, tiny: Path, root: Path, out: Path) -> None:
        arguments = ("--model", tiny, "--data-root", root, "--format", "mtan", "--attack", "noise")
        assert_run_refused(out, arguments, "data set rooms3 has one format; leave out mtan")

    def test_missing(self, tiny: Path, tmp_path: Path, out: Path) -> None:
        assert_run_refused(out, self.arguments(tiny, tmp_path / "none"), "none is not a folder")

    def test_empty(self, tiny: Path, tmp_path: Path, out: Path) -> None:
        assert_run_refused(out, self.arguments(tiny, tmp_path), "has no known layout of nyuv2: found nothing")

    def test_lacking_a_file(self, tiny: Path, root: Path, out: Path) -> None:
        (root / "depth" / "0001.npy").unlink()
        assert_run_refused(out, self.arguments(tiny, root), "lacks the file", "0001.npy")

    @pytest.mark.parametrize("name", ["img/0001.png", "seg/0001.png", "normal_mask/0001.png", "depth/0001.npy"])
    def test_corrupt(self, tiny: Path, root: Path, out: Path, name: str) -> None:
        content = (root / name).read_bytes()
        (root / name).write_bytes(content[: len(content) // 2])
        outcome = mtrbench("run", *self.arguments(tiny, root), "--out", out)
        assert outcome.code == 2
        # The bar had been opened; the message is one line all the same, and the last.
        assert re.fullmatch(rf"mtrbench: .*{name} cannot be read as .*", outcome.err.splitlines()[-1])
        assert "Traceback" not in outcome.err
        assert not out.exists()


BROKEN: dict[str, Callable[[str], str]] = {
    "truncated": lambda text: text[:500],
    "NaN": lambda text: text.replace('"seconds": 12.8', '"seconds": NaN'),
    "unknown field": lambda text: text.replace('"seconds": 12.8', '"seconds": 12.8, "x": 1'),
    "duplicate key": lambda text: text.replace('"seconds": 12.8', '"seconds": 12.8, "seconds": 12.8'),
    "wrong key": lambda text: text.replace('"seed": 0', '"seed": 1'),
}


class TestBrokenRecords:
    @pytest.mark.parametrize("fault", BROKEN)
    def test_are_refused_by_show_and_leaderboard(self, tmp_path: Path, out: Path, fault: str) -> None:
        records = tmp_path / "records"
        records.mkdir()
        (records / "good.json").write_text(make_record().to_json())
        bad, text = records / "bad.json", make_record(eps=2.0).to_json()
        bad.write_text(BROKEN[fault](text))
        assert bad.read_text() != text
        assert_refused(mtrbench("show", "record", bad), str(bad))
        for check in ([], ["--check"]):
            assert_refused(mtrbench("leaderboard", "--records", records, "--out", out, *check), str(bad))
        assert not out.exists()

    def test_are_refused_by_run_before_any_work(self, tiny: Path, out: Path) -> None:
        arguments = ("run", "--model", tiny, *FAST, "--out", out)
        assert mtrbench(*arguments).code == 0
        record = min((out / "records").iterdir())
        record.write_text(record.read_text()[:-40])
        before = files(out)
        assert_refused(mtrbench(*arguments), record.name)
        assert files(out) == before

    def test_readme_without_markers_is_refused_before_anything_is_written(self, tmp_path: Path, out: Path) -> None:
        records, readme = tmp_path / "records", tmp_path / "README.md"
        records.mkdir()
        (records / "good.json").write_text(make_record().to_json())
        readme.write_text("no markers")
        assert_refused(mtrbench("leaderboard", "--records", records, "--out", out, "--readme", readme), "markers")
        assert not out.exists()

"""The command line: one line for every mistake, the same output for the same records, and nothing lost by Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Outcome, assert_refused, finish, mtrbench, python, start
from make_records import make_record
from PIL import Image

from mtrbench.benchmark.protocol.reading import read_records
from mtrbench.benchmark.store import Store
from mtrbench.models.zoo import model_names

FAST = ("--attack", "total-fgsm", "--images", 4, "--workers", 1)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def assert_run_refused(out: Path, arguments: tuple[object, ...], *words: str) -> None:
    assert_refused(mtrbench("run", *arguments, "--out", out), *words)
    assert not out.exists()


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["nope"], ["unknown command 'nope'", "known: gallery, leaderboard, list, run"]),
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
            (["leaderboard", "--records", "none"], ["no folder of records at none", "mtrbench run"]),
            (["leaderboard", "--readme", "none.md"], ["'--readme'", "does not exist"]),
            (["list"], ["Missing argument 'KIND'", "models, attacks, datasets, tasks, suites"]),
            (["list", "model"], ["'KIND'", "'model' is not one of 'models'"]),
            (["show", "model"], ["Missing argument 'NAME'"]),
            (["show", "thing", "x"], ["'KIND'", "'model', 'attack', 'record'"]),
            (["show", "model", "no.toml"], ["card no.toml cannot be read"]),
            (["show", "model", "."], ["'.' is a file or folder, but no card"]),
            (["show", "attack", "dgba-pdg"], ["unknown attack 'dgba-pdg'", "did you mean dgba-pgd"]),
            (["show", "attack", "single-pgd"], ["lacks its task", "single:TASK-pgd"]),
            (["show", "record", "none.json"], ["record none.json cannot be read"]),
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
            (["--attack", "no.such:attack"], ["'no.such:attack' cannot be imported"]),
            (["--attack", "os.path:join"], ["'os.path:join' cannot be made"]),
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
        twice = ("--model", tiny, "--model", tiny.parent / ".." / "cards" / tiny.name)
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

    def test_what_nobody_foresaw_is_one_line_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("mtrbench.models.zoo.model_names", lambda: 1 / 0)
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


def write_nyuv2(root: Path) -> None:
    for folder, shape in {"img": (16, 16, 3), "seg": (16, 16), "normal_mask": (16, 16, 3)}.items():
        (root / folder).mkdir(parents=True)
        Image.fromarray(np.ones(shape, np.uint8)).save(root / folder / "0001.png")
    (root / "depth").mkdir()
    np.save(root / "depth" / "0001.npy", np.ones((16, 16), np.float32))


class TestDataRoot:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        write_nyuv2(tmp_path / "nyuv2")
        return tmp_path / "nyuv2"

    def arguments(self, tiny: Path, root: Path) -> tuple[object, ...]:
        return ("--model", tiny, "--dataset", "nyuv2", "--data-root", root, "--attack", "noise", "--workers", 1)

    def test_sound_is_taken(self, tiny: Path, root: Path, out: Path) -> None:
        assert mtrbench("run", *self.arguments(tiny, root), "--out", out).code == 0

    def test_missing(self, tiny: Path, tmp_path: Path, out: Path) -> None:
        assert_run_refused(out, self.arguments(tiny, tmp_path / "none"), "none is not a folder")

    def test_empty(self, tiny: Path, tmp_path: Path, out: Path) -> None:
        assert_run_refused(out, self.arguments(tiny, tmp_path), "has no photographs")

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


Twice = tuple[Path, Outcome, dict[str, bytes], Outcome]


@pytest.fixture(scope="module")
def twice(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Twice:
    """The folder, the first run, what it left, and the second run."""
    out = tmp_path_factory.mktemp("twice")
    arguments = ("run", "--model", tiny, *FAST, "--attack", "noise", "--eps", 2, "--eps", 8, "--out", out)
    first = mtrbench(*arguments)
    return out, first, files(out), mtrbench(*arguments)


class TestRun:
    def test_second_time_all_comes_from_the_store(self, twice: Twice) -> None:
        out, first, before, second = twice
        assert (first.code, second.code) == (0, 0)
        assert "5 cells: 0 from the store, 5 computed" in first.err
        assert second.err == "5 cells: 5 from the store, 0 computed\n"  # and no bar, as there is nothing to wait for
        assert files(out) == before

    def test_second_time_prints_the_same_bytes(self, twice: Twice) -> None:
        _, first, _, second = twice
        assert "Attacks on clean-trained models" in first.out
        assert first.out == second.out

    def test_writes_records_and_boards_and_no_stray_file(self, twice: Twice) -> None:
        out, first, before, _ = twice
        assert {Path(name).parts[0] for name in before} == {"records", "shards", "boards"}
        assert sum(name.startswith("records") for name in before) == 5  # of the clean pass and of two attacks, twice
        assert not any(Path(name).name.startswith(".") for name in before)
        assert f"5 records in {out / 'records'}" in first.out

    def test_leaderboard_makes_the_same_boards(self, twice: Twice, tmp_path: Path) -> None:
        out, *_ = twice
        arguments = ("leaderboard", "--records", out / "records", "--out", tmp_path / "boards")
        assert mtrbench(*arguments).code == 0
        assert files(tmp_path / "boards") == files(out / "boards")
        assert mtrbench(*arguments, "--check").code == 0
        next(path for path in (tmp_path / "boards").rglob("*.csv")).unlink()
        outcome = mtrbench(*arguments, "--check")
        assert (outcome.code, outcome.out.count("is missing")) == (1, 1)

    def test_json_is_the_records(self, twice: Twice, tiny: Path) -> None:
        out, *_ = twice
        outcome = mtrbench("run", "--model", tiny, *FAST, "--eps", 2, "--out", out, "--json")
        (found,) = json.loads(outcome.out)
        record = next(record for record in read_records(out / "records") if record.key == found["key"])
        assert (found["model"], found["attack"], found["threat"]["eps"]) == ("tiny", "total-fgsm", 2.0)
        assert found["ard"] == asdict(record.degradation.ard)
        assert "replicates" not in found
        assert outcome.err == "2 cells: 2 from the store, 0 computed\n"

    def test_show_record(self, twice: Twice) -> None:
        out, *_ = twice
        for path in (out / "records").iterdir():
            text = mtrbench("show", "record", path, "--json").out
            assert json.loads(text)["key"] == path.stem
            assert "replicates" not in text
            assert f"key: {path.stem}" in mtrbench("show", "record", path).out


class TestShowing:
    @pytest.mark.parametrize("kind", ["models", "attacks", "datasets", "tasks", "suites"])
    def test_list(self, kind: str) -> None:
        rows = json.loads(mtrbench("list", kind, "--json").out)
        text = mtrbench("list", kind)
        assert text.code == 0
        assert rows or kind == "models"
        assert all(row["name"] in text.out for row in rows)

    @pytest.mark.parametrize("name", ["dgba-pgd", "single:depth-fgsm", "noise"])
    def test_show_attack(self, name: str) -> None:
        found = json.loads(mtrbench("show", "attack", name, "--json").out)
        assert (found["name"], type(found["settings"])) == (name, dict)
        assert found["about"].splitlines()[0] in mtrbench("show", "attack", name).out

    def test_show_model(self, tiny: Path) -> None:
        assert json.loads(mtrbench("show", "model", tiny, "--json").out)["name"] == "tiny"
        assert "name: tiny" in mtrbench("show", "model", tiny).out

    @pytest.mark.parametrize("command", [[], ["run"], ["leaderboard"], ["list"], ["show"], ["train"]])
    def test_help(self, command: list[str]) -> None:
        outcome = mtrbench(*command, "--help")
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.startswith("Usage: mtrbench")

    def test_version_as_a_module(self) -> None:
        outcome = finish(python("-m", "mtrbench", "--version"))
        assert (outcome.code, outcome.err) == (0, "")
        assert re.fullmatch(r"mtrbench, version \d+\.\d+\.\d+\S*\n", outcome.out)


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class TestInterruption:
    @pytest.mark.parametrize(("workers", "code", "sent"), [(1, 130, "INT"), (2, 130, "INT"), (2, 143, "TERM")])
    def test_keeps_what_was_done_and_the_next_run_does_the_rest(
        self, tiny: Path, tmp_path: Path, workers: int, code: int, sent: str
    ) -> None:
        out = tmp_path / "out"
        # The first attack's cell gets done; the second's steps would take minutes.
        base = ("run", "--model", tiny, "--images", 40, "--out", out)
        both = (*base, "--attack", "noise", "--attack", "signsum-pgd")
        process = start(*both, "--steps", 20_000, "--workers", workers)
        try:
            # Two passes of two shards are quick.
            wait_for(lambda: len(list(out.glob("shards/*/*.npz"))) == 4 and len(list(out.glob("records/*.json"))) == 2)
            if sent == "INT":
                os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to the workers, too
            else:
                process.terminate()
            outcome = finish(process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert outcome.code == code
        assert "Traceback" not in outcome.err
        assert "Error" not in outcome.err
        if sent == "INT":
            assert outcome.err.splitlines()[-1] == "mtrbench: interrupted; what was finished is kept"
        wait_for(lambda: not workers_of(process.pid), 10)

        kept = files(out)
        assert [Path(name).parts[0] for name in kept] == [*["records"] * 2, *["shards"] * 4]  # and no temporary file
        records = read_records(out / "records")
        assert {record.cell.title for record in records} == {"clean pass on tiny", "noise on tiny (eps 4/255)"}
        resumed = mtrbench(*both, "--steps", 1, "--workers", 1)
        assert resumed.code == 0
        assert "3 cells: 2 from the store, 1 computed" in resumed.err
        assert kept.items() <= files(out).items()
        assert [Store(out).record(record.cell) for record in records] == records

    def test_workers_end_with_a_parent_that_is_killed(self, tiny: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        attacks = ("--attack", "noise", "--attack", "signsum-pgd", "--steps", 20_000)
        process = start("run", "--model", tiny, *attacks, "--images", 4, "--workers", 2, "--out", out)
        wait_for(lambda: any(out.glob("shards/*/*.npz")))
        process.kill()
        process.communicate()
        wait_for(lambda: not workers_of(process.pid), 20)


def workers_of(group: int) -> list[str]:
    """The processes of a group that are alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, member = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(member) == group and state != "Z":
            found.append(stat.parent.name)
    return found

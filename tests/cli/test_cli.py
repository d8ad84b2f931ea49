"""The command line: the same output for the same records, and what it shows."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
from helpers.commands import FAST, Outcome, files, finish, mtrbench, python

from mtrbench.api.records import find_record
from mtrbench.attacks.registry import attack_facts, load_attack
from mtrbench.benchmark.protocol.reading import read_records

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

    def test_show_record_by_its_key(self, twice: Twice, monkeypatch: pytest.MonkeyPatch) -> None:
        out, *_ = twice
        monkeypatch.setattr(find_record, "__defaults__", ((out / "records",),))
        for path in (out / "records").iterdir():
            assert mtrbench("show", "record", path.stem[:12]).out == mtrbench("show", "record", path).out

    def test_packed_records_make_the_same_boards(self, twice: Twice, tmp_path: Path) -> None:
        out, *_ = twice
        outcome = mtrbench("records", "pack", out / "records", "--out", tmp_path / "packed")
        assert outcome.out == f"5 records in {tmp_path / 'packed'}; files written: tiny.jsonl.gz\n"
        packed = files(tmp_path / "packed")
        assert mtrbench("leaderboard", "--records", tmp_path / "packed", "--out", tmp_path / "boards").code == 0
        outcome = mtrbench("leaderboard", "--records", out / "records", "--out", tmp_path / "boards", "--check")
        assert (outcome.code, outcome.out) == (0, "")
        again = mtrbench("records", "pack", out / "records", "--out", tmp_path / "packed")
        assert "files written: none" in again.out
        assert files(tmp_path / "packed") == packed


class TestShowing:
    @pytest.mark.parametrize("kind", ["models", "attacks", "datasets", "tasks", "suites"])
    def test_list(self, kind: str) -> None:
        rows = json.loads(mtrbench("list", kind, "--json").out)
        text = mtrbench("list", kind)
        assert text.code == 0
        assert rows or kind == "models"
        # Of attacks, the balancings and the optimizers.
        parts = [row["name"].removeprefix(row.get("family") or "").lstrip("-") for row in rows]
        assert all(part in text.out for part in parts)

    def test_attacks_are_listed_by_balancing_on_a_narrow_terminal(self) -> None:
        rows, text = json.loads(mtrbench("list", "attacks", "--json").out), mtrbench("list", "attacks").out
        assert max(map(len, text.splitlines())) <= 80
        heads = [line.split()[0] for line in text.splitlines() if re.match(r"  \S", line)]
        assert heads == [*dict.fromkeys(row["family"] or row["name"] for row in rows)]

    def test_an_ensemble_shows_its_members_and_an_attack_its_papers(self) -> None:
        found = json.loads(mtrbench("show", "attack", "auto", "--json").out)
        assert found["members"] == [*attack_facts("auto", load_attack("auto")).members] != []
        assert "https://arxiv.org/abs/2003.01690" in found["papers"]  # its member's
        shown = mtrbench("show", "attack", "dgba-pgd").out
        assert "https://arxiv.org/abs/2305.12066" in shown
        assert "sum_t <g_t, r> / (T L_t)" in shown

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

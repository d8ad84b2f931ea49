"""The pages for whoever brings something of their own run, and print what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.pages import alike, run_page
from newcomer import CLONE, INSTALL, RUN, steps

from mtrbench import Record


def test_the_readme_runs() -> None:
    record = run_page("../README.md", within=0.02)["record"]
    assert isinstance(record, Record)
    assert record.attack.name == "dgba-pgd"


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="the README's commands are for a POSIX shell")
def test_whoever_follows_the_readme_arrives() -> None:
    way = Path(__file__).with_name("newcomer.py")
    walked = subprocess.run([sys.executable, str(way), "--short"], capture_output=True, text=True, check=False)  # noqa: S603
    assert walked.returncode == 0, walked.stderr
    said = [line.split(" s  ")[1] for line in walked.stdout.splitlines()]
    written = [step.splitlines()[0] for step in steps((way.parents[1] / "README.md").read_text(encoding="utf-8"))]
    assert written[:3] == [CLONE, INSTALL, RUN]
    assert said == written[2:]
    assert len(said) > 5


def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record = run_page("tutorial.md", within=0.1)["record"]
    assert isinstance(record, Record)
    assert (tmp_path / "tutorial" / "boards" / "README.md").exists()
    assert len([*(tmp_path / "pictures").glob("*.png")]) == 1


def test_the_first_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_page("index.md", within=0.1)["record"].undefined == ()


def test_the_page_about_own_models_runs() -> None:
    record = run_page("own-model.md", within=0.011)["record"]
    assert isinstance(record, Record)
    assert (record.cell.model.name, record.cell.dataset.images, record.attack.name) == ("Perception", 8, "dgba-pgd")
    assert record.undefined == ()


def test_the_page_about_own_tasks_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_page("own-task.md", within=0.1)
    assert {task: of.kind for task, of in names["model"].tasks.items()} == {
        "left": "classification",
        "right": "classification",
        "even": "even",
    }
    assert names["record"].undefined == ()
    assert ",left.macro_f1," in (tmp_path / "digits" / "boards" / "records.csv").read_text()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ARD 0.25  of x", "ARD  0.30 of x", True),
        ("ARD 0.25", "ARD 0.36", False),
        ("ARD 0.25", "ARD -0.25", False),
        ("ARD 0.25", "ard 0.25", False),
        ("3 records", "4 records", False),
        ("0.1", "", False),
    ],
)
def test_texts_are_compared_word_for_word_and_decimals_nearly(one: str, other: str, same: bool) -> None:
    assert alike(one, other, within=0.1) == same

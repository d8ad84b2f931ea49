"""Objects of any module and any file by a reference, and one clear line for those that are not there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtrbench import BadInputError
from mtrbench.benchmark.protocol.references import Reference
from mtrbench.benchmark.protocol.registry import Registry


def as_it_is(found: Any, name: str) -> Any:
    return found


TABLE = Registry("thing", {}, as_it_is)

IDENTIFIERS = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True)
MODULES = st.lists(IDENTIFIERS, min_size=1, max_size=3).map(".".join).filter(lambda text: not text.endswith(".py"))
FOLDERS = st.from_regex(r"[a-z0-9_ -]{1,6}", fullmatch=True)
FILES = st.builds(
    lambda start, folders, stem: "/".join([start, *folders, f"{stem}.py"]),
    st.sampled_from([".", "..", "", "~", "../.."]),
    st.lists(FOLDERS, max_size=2),
    FOLDERS,
)


@given(st.one_of(MODULES, FILES), st.lists(IDENTIFIERS, min_size=1, max_size=2).map(".".join))
def test_writes_what_it_read(place: str, name: str) -> None:
    text = f"{place}:{name}"
    found = Reference.parse(text)
    assert found == Reference(place, name)
    assert str(found) == text


@pytest.mark.parametrize(
    ("text", "shortest"),
    [
        ("mine.py:Mine", "./mine.py:Mine"),
        ("sub/../mine.py:Mine", "./mine.py:Mine"),
        ("./sub//mine.py:Mine", "./sub/mine.py:Mine"),
        ("./../mine.py:Mine", "../mine.py:Mine"),
        ("/a/./b.py:Mine", "/a/b.py:Mine"),
    ],
)
def test_a_path_has_one_spelling(text: str, shortest: str) -> None:
    assert str(Reference.parse(text)) == shortest


@pytest.mark.parametrize("text", ["", "mine", "total-pgd", "a:", ":a", "a b:c", "a:b c", "a-b:c", "./a.txt:b", "a:b:c"])
def test_what_is_no_reference(text: str) -> None:
    assert Reference.parse(text) is None


def test_object_of_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert TABLE.get("os.path:join") is os.path.join
    assert TABLE.get("os:path.join") is os.path.join
    (tmp_path / "lies_beside.py").write_text("x = 5")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path not in ("", str(tmp_path))])
    monkeypatch.chdir(tmp_path)
    assert TABLE.get("lies_beside:x") == 5


def test_nothing_beside_takes_the_place_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tabulate.py").write_text("tabulate = 'mine'")
    monkeypatch.chdir(tmp_path)
    assert callable(TABLE.get("tabulate:tabulate"))


def test_object_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "some folder"
    folder.mkdir()
    (folder / "helper.py").write_text("y = 2")
    file = folder / "my-file.py"
    file.write_text(
        "from dataclasses import dataclass\nimport helper\nprint('hello')\n@dataclass\nclass A:\n    x: int = 1"
    )
    monkeypatch.setattr(sys, "path", [*sys.path])
    found = TABLE.get(f"{file}:A")
    assert found().x == 1
    monkeypatch.chdir(tmp_path)
    assert TABLE.get("./some folder/my-file.py:A") is found
    assert capsys.readouterr() == ("", "hello\n")
    file.write_text(file.read_text().replace("1", "3"))
    assert TABLE.get(f"{file}:A")().x == 3


FAULTS = {
    "no.such:thing": "no module no is installed or lies in",
    "./none.py:thing": "none.py cannot be read: No such file or directory",
    "./divides.py:x": "cannot be imported: ZeroDivisionError: division by zero (divides.py, line 2)",
    "./exits.py:x": "it exits",
    "./broken.py:x": "SyntaxError",
    "./needs.py:x": "No module named 'not_there'",
    "./relative.py:x": "ImportError",
    "./classes.py:Mien": "unknown thing './classes.py:Mien': object of ./classes.py 'Mien'; did you mean Mine?",
    "./classes.py": "names no object of the file; write ./classes.py:Mine, make",
    "os.path:no_such": "'no_such'",
    "my-classes.py:Mine": "write a file as ./file.py:Object; its path begins with ./ ../ / or ~/",
    "divides:x": "thing 'divides:x' cannot be imported: ZeroDivisionError",
}


@pytest.mark.parametrize("text", FAULTS)
def test_what_is_not_there_or_fails_is_one_line(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in {
        "divides": "# nothing\n1 / 0",
        "exits": "raise SystemExit(0)",
        "broken": "class",
        "needs": "import not_there",
        "relative": "from . import other",
        "classes": "class Mine: pass\ndef make(): pass\ndef _own(): pass",
    }.items():
        (tmp_path / f"{name}.py").write_text(content)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInputError) as caught:
        TABLE.get(text)
    assert FAULTS[text] in str(caught.value)
    assert "\n" not in str(caught.value)

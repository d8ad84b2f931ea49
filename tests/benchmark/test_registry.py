"""Names lead to objects; installed plug-ins join in, and may not take a name that is taken."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from helpers.commands import mtrbench

from mtrbench import BadInputError, load_attack
from mtrbench.benchmark.protocol.notices import notice
from mtrbench.benchmark.protocol.registry import Registry


def as_it_is(found: Any, name: str) -> Any:
    return found


TABLE = Registry("thing", {"path": "pathlib:Path", "paths": "os:path", "json": "json:dumps"}, as_it_is)


class Point(NamedTuple):
    """An entry point of no package."""

    name: str
    value: str
    dist: None = None


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is said to the user; nothing has been said before."""
    notice.cache_clear()
    return caplog


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Registry[Any]]:
    """A registry of things with entry points of other packages."""

    def make(*points: Point, **given: Any) -> Registry[Any]:
        monkeypatch.setattr("mtrbench.benchmark.protocol.registry.entry_points", lambda group: points)
        return Registry("thing", {"mine": "os.path:join"}, as_it_is, group="things", **given)

    return make


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        (Point("mine", "os:sep"), "taken"),
        (Point("new", "z.b:c"), "taken by entry point os:sep"),
        (Point("single:depth", "os:sep"), "letters, digits"),
        (Point("", "os:sep"), "letters, digits"),
        (Point("odd", "os:sep"), "odd is refused"),
    ],
)
def test_name_that_cannot_be_had_costs_a_line_and_itself(plugged, heard, point: Point, reason: str) -> None:
    table = plugged(point, Point("new", "os:sep"), refuses=lambda name: f"{name} is refused" if name == "odd" else None)
    assert [*table] == ["mine", "new"]
    assert table.get("new") == os.sep
    (line,) = heard.messages
    assert repr(point.name) in line
    assert reason in line


BROKEN = {
    "no.such:thing": "no module no",
    "failing_plugin:x": "ZeroDivisionError",
    "exiting_plugin:x": "it exits",
    "os.path:no_such": "no_such",
    "os.path": "names no object",
    "os:name": "is no text of one letter",
}


@pytest.mark.parametrize("value", BROKEN)
def test_broken_plugin_costs_a_line_and_itself(plugged, heard, value: str, failing: None) -> None:
    def letter(found: object, name: str) -> str:
        if not isinstance(found, str) or len(found) != 1:
            raise BadInputError(f"thing {name!r} is no text of one letter")
        return found

    table = plugged(Point("bad", value), Point("good", "os:sep"))
    table = dataclasses.replace(table, entries={}, check=letter)
    assert dict(table.working()) == {"good": os.sep}
    (line,) = heard.messages
    assert BROKEN[value] in line
    assert "'bad'" in line
    with pytest.raises(BadInputError, match=BROKEN[value]):
        table.get("bad")


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that fail and exit when they are imported."""
    (tmp_path / "failing_plugin.py").write_text("1 / 0")
    (tmp_path / "exiting_plugin.py").write_text("import sys\nsys.exit(3)")
    monkeypatch.syspath_prepend(tmp_path)


def test_an_entry_point_may_ask_for_extras(plugged) -> None:
    assert plugged(Point("new", "os:sep [fast,big]")).get("new") == os.sep


def test_knows_its_names() -> None:
    assert [*TABLE] == ["path", "paths", "json"]
    assert "json" in TABLE
    assert "jason" not in TABLE
    assert TABLE.get("path") is Path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("jsno", "unknown thing 'jsno'; did you mean json?"),
        ("pathz", "unknown thing 'pathz'; did you mean path or paths?"),
        ("zzzzzz", "unknown thing 'zzzzzz'; known: json, path, paths"),
        ("", "unknown thing ''; known: json, path, paths"),
    ],
)
def test_unknown_name_tells_the_nearest(name: str, message: str) -> None:
    with pytest.raises(BadInputError) as caught:
        TABLE.get(name)
    assert str(caught.value) == message


def test_import_is_put_off_until_it_is_asked_for() -> None:
    assert "broken" in Registry("thing", {"broken": "no.such:thing"}, as_it_is)


@pytest.mark.parametrize("name", ["os.path:isfile", "os.path:sep", "json:decoder", "json:JSONEncoder"])
def test_object_that_makes_no_attack_is_refused(name: str) -> None:
    with pytest.raises(BadInputError, match=f"attack '{name}'"):
        load_attack(name)


def test_settings_of_an_attack_are_checked() -> None:
    assert load_attack("mtrbench.attacks.whole.noise:RandomNoise") == load_attack("noise")
    with pytest.raises(BadInputError, match="unknown setting of attack 'total-pgd': 'step'; did you mean steps"):
        load_attack("total-pgd", step=3)
    with pytest.raises(BadInputError, match=r"cannot be made.*too picky"):
        load_attack(f"{__name__}:Picky")


class Picky:
    def __init__(self) -> None:
        raise TypeError("too picky")

    def __call__(self, model, batch, threat, noise): ...


def test_show_takes_an_object_by_its_path() -> None:
    shown = mtrbench("show", "attack", "mtrbench.attacks.whole.noise:RandomNoise", "--json")
    assert json.loads(shown.out)["settings"] == {"kind": "sign"}

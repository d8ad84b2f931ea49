"""Names lead to objects; installed plug-ins join in, and may not take a name that is taken."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from helpers.commands import Outcome, assert_refused, finish, mtrbench, start

from mtrbench import BadInputError, load_attack
from mtrbench.attacks.registry import names, split_settings
from mtrbench.benchmark.protocol.registry import Registry, import_object
from mtrbench.benchmark.suites import load_suite
from mtrbench.models.registry import model_names

TABLE = Registry("thing", {"path": "pathlib:Path", "paths": "os:path", "json": "json:dumps"})

PLUGIN = '''
import pathlib
from dataclasses import dataclass
import torch
from mtrbench.benchmark.datasets.rooms import rooms

@dataclass(frozen=True)
class Steepest:
    """Steps once along the gradient of all losses."""

    part: float = 1.0

    def __call__(self, model, batch, threat, noise):
        x = batch.x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(sum(model.losses(batch.at(x)).values()).sum(), x)
        return threat.project(batch.x, batch.x + self.part * threat.eps * threat.ascend(gradient))

@dataclass(frozen=True)
class Picky:
    needed: int

card = pathlib.Path(__file__).parent / "tiny" / "card.toml"
few = rooms
'''


@pytest.fixture
def site(tmp_path: Path, tiny: Path) -> Path:
    """A folder as pip leaves it after installing a plug-in; its entry points are still to be written."""
    (tmp_path / "plugin.py").write_text(PLUGIN)
    (tmp_path / "plugin-1.0.dist-info").mkdir()
    (tmp_path / "plugin-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    shutil.copytree(tiny.parent, tmp_path / "tiny")
    return tmp_path


def offer(site: Path, **entries: str) -> None:
    text = "".join(f"[mtrbench.{group}]\n{line}\n" for group, line in entries.items())
    (site / "plugin-1.0.dist-info" / "entry_points.txt").write_text(text)


def run(site: Path, *arguments: object) -> Outcome:
    return finish(start(*arguments, path=site))


def test_plugins_are_listed_run_and_validated(site: Path) -> None:
    offer(site, attacks="steepest = plugin:Steepest", models="tiny = plugin:card", datasets="few = plugin:few")
    for kind, name in (("attacks", "steepest"), ("models", "tiny"), ("datasets", "few")):
        listed = run(site, "list", kind, "--json")
        assert name in [row["name"] for row in json.loads(listed.out)]
    names = ("--model", "tiny", "--attack", "steepest", "--dataset", "few")
    outcome = run(site, "run", *names, "--images", 4, "--workers", 1, "--out", site / "out", "--json")
    (record,) = json.loads(outcome.out)
    assert (record["model"], record["attack"], record["dataset"]) == ("tiny", "steepest", "few")
    content = json.loads((site / "out" / "records" / f"{record['key']}.json").read_text())
    assert content["cell"]["attack"]["settings"] == {"part": 1.0}
    validated = run(site, "validate", "attack", "steepest", "--model", "tiny", "--json")
    assert validated.code == 0, validated.err
    assert {row["result"] for row in json.loads(validated.out)} == {"pass", "does not apply"}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("attacks", "noise"),
        ("attacks", "single:depth-pgd"),
        ("datasets", "rooms3"),
        *(("models", name) for name in model_names()[:1]),
    ],
)
def test_taken_name_is_refused(site: Path, kind: str, name: str) -> None:
    offer(site, **{kind: f"{name} = plugin:anything"})
    assert_refused(run(site, "list", kind), name, "taken", "rename it or uninstall it")


def test_name_given_twice_by_plugins_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name, value = "new", "a.b:c"

    monkeypatch.setattr("mtrbench.benchmark.protocol.registry.entry_points", lambda group: [Point, Point])
    with pytest.raises(BadInputError, match=r"'new' of entry point a\.b:c is taken"):
        Registry("thing", {}, group="things")


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


def test_path_of_an_object_stands_for_it() -> None:
    assert TABLE.get("os.path:join") is import_object("os.path:join", "thing")


@pytest.mark.parametrize("name", ["no.such:thing", "os.path:no_such", "os.path:", ".:.", "os.path:a b", ".os:path"])
def test_object_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(BadInputError, match="cannot be imported"):
        TABLE.get(name)


def test_module_that_fails_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "failing_plugin.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadInputError, match="ZeroDivisionError"):
        import_object("failing_plugin:x", "attack")


def test_import_is_put_off_until_it_is_asked_for() -> None:
    assert "broken" in Registry("thing", {"broken": "no.such:thing"})


@pytest.mark.parametrize("name", ["os.path:join", "os.path:sep"])
def test_object_that_makes_no_attack_is_refused(name: str) -> None:
    with pytest.raises(BadInputError, match=f"attack '{name}'"):
        load_attack(name)


def test_settings_of_an_attack_are_checked(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(site)
    assert load_attack("mtrbench.attacks.whole.noise:Noise") == load_attack("noise")
    with pytest.raises(BadInputError, match="unknown setting of attack 'total-pgd': 'step'; did you mean steps"):
        load_attack("total-pgd", step=3)
    (site / "pkg").mkdir()
    (site / "pkg" / "__init__.py").write_text("from plugin import Picky")
    with pytest.raises(BadInputError, match=r"cannot be made.*needed"):
        load_attack("pkg.__init__:Picky")


def test_show_takes_an_object_by_its_path() -> None:
    shown = mtrbench("show", "attack", "mtrbench.attacks.whole.noise:Noise", "--json")
    assert json.loads(shown.out)["settings"] == {"kind": "sign"}


def test_the_suite_of_all_attacks_has_every_one() -> None:
    listed = [split_settings(attack)[0] for attack in load_suite("all-attacks").attacks]
    for name in names():
        pattern = re.sub(r"(?<=:)[A-Z]+", "[^@]+", re.escape(name))
        assert any(re.fullmatch(pattern, attack) for attack in listed), name

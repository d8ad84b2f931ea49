"""Packages that `mtrbench new` writes pass their own tests, and bring what they say once they are installed."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from helpers.commands import assert_refused, files, finish, mtrbench, python, search_path
from helpers.outside import commands, install

from mtrbench.api.scaffold import KINDS

LISTED = {
    "attack": "new-attack",
    "balancing": "new-balancing-pgd",
    "model": "new-model",
    "task": "new-task",
    "dataset": "new-dataset",
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package of every kind."""
    folder = tmp_path_factory.mktemp("packages")
    for kind in KINDS:
        outcome = mtrbench("new", kind, f"new-{kind}", "--out", folder)
        assert outcome.code == 0, outcome.err
        assert {*outcome.out.split()} == {str(folder / f"new-{kind}" / name) for name in files(folder / f"new-{kind}")}
    return folder


def test_each_passes_its_own_test(packages: Path, tmp_path: Path) -> None:
    folders = [packages / f"new-{kind}" for kind in KINDS]
    arguments = ("-m", "pytest", "-q", "-W", "error", "--rootdir", packages, "-p", "no:cacheprovider", *folders)
    # Not in the checkout, where a build may have left a second description of the package.
    outcome = finish(python(*arguments, path=Path(search_path(*folders)), cwd=tmp_path))
    assert outcome.code == 0, outcome.out
    assert f"{len(KINDS) + 1} passed" in outcome.out  # a balancing is tried with two optimizers


def test_each_is_found_where_it_is_installed(packages: Path, tmp_path: Path) -> None:
    # What pip makes of pyproject.toml and of the modules that it names, without the time that pip takes.
    site = tmp_path / "site"
    site.mkdir()
    for folder in sorted(packages.iterdir()):
        project = tomllib.loads((folder / "pyproject.toml").read_text())
        for module in project["tool"]["setuptools"]["py-modules"]:
            (site / f"{module}.py").write_bytes((folder / f"{module}.py").read_bytes())
        ((group, points),) = project["project"]["entry-points"].items()
        ((name, target),) = points.items()
        install(site, project["project"]["name"], {group.removeprefix("mtrbench."): f"{name} = {target}"})
    lists = [f"list {'attacks' if kind == 'balancing' else KINDS[kind].group} --json" for kind in LISTED]
    run = "run --model new-model --dataset new-dataset --attack new-attack --attack new-balancing-pgd --images 4"
    *listed, ran = commands(tmp_path, *lists, f"{run} --workers 1 --out out --json", path=site)
    for outcome, name in zip(listed, LISTED.values(), strict=True):
        assert outcome.err == ""
        assert name in [row["name"] for row in json.loads(outcome.out)]
    assert ran.code == 0, ran.err
    assert {record["attack"] for record in json.loads(ran.out)} == {"new-attack", "new-balancing-pgd"}


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("attack", "noise", ("attack 'noise'", "taken")),
        ("attack", "total-pgd", ("taken",)),
        ("balancing", "dgba", ("taken",)),
        ("dataset", "json", ("module json", "choose another name")),
        ("task", "class", ("module class", "choose another name")),
        ("task", "My Task", ("small letters",)),
        ("model", "../x", ("small letters",)),
        ("optimizer", "x", ("'optimizer' is not one of",)),
    ],
)
def test_names_that_cannot_be_had_are_refused(kind: str, name: str, words: tuple[str, ...], tmp_path: Path) -> None:
    assert_refused(mtrbench("new", kind, name, "--out", tmp_path), *words)
    assert not [*tmp_path.iterdir()]


def test_nothing_is_overwritten(packages: Path) -> None:
    before = files(packages)
    assert_refused(mtrbench("new", "attack", "new-attack", "--out", packages), "is there already")
    assert files(packages) == before

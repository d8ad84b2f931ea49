"""Strangers' attacks, balancings, optimizers, losses, tasks, data sets, models and suites go wherever our own do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.outside import OBJECTS, commands, install, write

LISTED = {
    "attacks": {"nudge", "halves-pgd", "halves-dash", "total-dash"},
    "balancings": {"halves"},
    "optimizers": {"dash"},
    "losses": {"squares"},
    "tasks": {"brightness"},
    "datasets": {"patches"},
    "models": {"dimmer", "tiny"},
    "suites": {"plan"},
}


def attacks_of(names: dict[str, str]) -> set[str]:
    balancing, optimizer = names["balancings"], names["optimizers"]
    products = {f"{balancing}-pgd", f"{balancing}-{optimizer}", f"total-pgd@{names['losses']}"}
    return {"noise", names["attacks"]} | products


def assert_run(folder: Path, records: str, names: dict[str, str]) -> None:
    """The records are of what the names say, with its facts, and so are the boards."""
    found = json.loads(records)
    assert {record["attack"] for record in found} == attacks_of(names)
    assert all(record["complete"] for record in found)
    assert {(record["model"], record["dataset"]) for record in found} == {(names["models"], names["datasets"])}
    contents = {r["attack"]: json.loads((folder / "out" / "records" / f"{r['key']}.json").read_text()) for r in found}
    nudged = contents[names["attacks"]]
    assert nudged["attack_facts"]["kind"] == "black box"
    assert nudged["cell"]["attack"]["settings"] == {"share": 1.0}
    assert nudged["task_facts"]["level"] == {"metrics": {"off": {"unit": "cd", "higher_is_better": False}}}
    # A patch of grey level g with the truth 0.9 g is told brighter by the budget, and so further off.
    levels = [0.3 + 0.4 * i / 8 for i in range(4)]
    assert nudged["clean"]["level"]["off"]["value"] == pytest.approx(sum(0.1 * g for g in levels) / 4, abs=1e-6)
    assert nudged["attacked"]["level"]["off"]["value"] == pytest.approx(
        sum(0.1 * g + 8 / 255 for g in levels) / 4, abs=1e-6
    )
    product = contents[f"{names['balancings']}-{names['optimizers']}"]
    assert (product["attack_facts"]["balancing"], product["attack_facts"]["optimizer"]) == (
        names["balancings"],
        names["optimizers"],
    )
    assert product["cell"]["attack"]["settings"] == {"share": 0.5, "steps": 2}
    assert contents[f"total-pgd@{names['losses']}"]["attack_facts"]["losses"] == names["losses"]


NAMES = {"attacks": "nudge", "balancings": "halves", "optimizers": "dash", "losses": "squares"}
NAMES |= {"tasks": "brightness", "datasets": "patches", "models": "dimmer", "suites": "plan"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of installed packages with one that brings one of everything; the work is done in the folder beside."""
    for folder in ("site", "work"):
        (tmp_path / folder).mkdir()
    write(tmp_path / "site", NAMES)
    points = {kind: f"{NAMES[kind]} = {place}" for kind, place in OBJECTS.items()}
    install(tmp_path / "site", "outside", points)
    return tmp_path / "site"


def test_an_installed_package_brings_one_of_everything(site: Path, tiny: Path) -> None:
    work, names = site.parent / "work", NAMES
    (site / "cards.py").write_text(f"card = {str(tiny)!r}")
    install(site, "cards", {"models": "tiny = cards:card"})
    lists = [f"list {kind} --json" for kind in LISTED]
    run, boards = "run plan --workers 1 --out out --json", "leaderboard --records out/records --out boards"
    shows = ["show attack halves-dash", "show model dimmer", "gallery --model dimmer --attack nudge --dataset patches"]
    *listed, ran, board, shown, model, gallery = commands(work, *lists, run, boards, *shows, path=site)
    for kind, outcome in zip(LISTED, listed, strict=True):
        assert outcome.code == 0, outcome.err
        assert LISTED[kind] <= {row["name"] for row in json.loads(outcome.out)}
    assert ran.code == 0, ran.err
    assert_run(work, ran.out, names)
    assert board.code == 0, board.err
    tables = "".join(path.read_text() for path in sorted((work / "boards").rglob("*.md")))
    for name in (*attacks_of(names), "dimmer", "level"):
        assert name in tables
    assert "Steps along half of the sum of the gradients." in shown.out
    assert "brightness" in model.out
    assert gallery.code == 0, gallery.err


def test_files_bring_one_of_everything_without_registration(tmp_path: Path) -> None:
    names = {kind: f"./{place.replace(':', '.py:')}" for kind, place in OBJECTS.items()}
    write(tmp_path, names)
    run = "run plan.py:PLAN --workers 1 --out out --json"
    ran, board, *validated = commands(
        tmp_path,
        run,
        "leaderboard --records out/records --out boards",
        "validate attack ./halves.py:Halves --json",
        "validate attack dash:Dash --json",
    )
    assert ran.code == 0, ran.err
    assert_run(tmp_path, ran.out, names)
    assert board.code == 0, board.err
    table = "".join(path.read_text() for path in sorted((tmp_path / "boards").rglob("*.md")))
    assert "./halves.py:Halves-./dash.py:Dash" in table
    says = (
        "./halves.py:Halves is a balancing; what follows is of ./halves.py:Halves-pgd",
        "dash:Dash is an optimizer; what follows is of total-dash:Dash",
    )
    for outcome, said in zip(validated, says, strict=True):
        assert outcome.code == 0, outcome.out
        assert said in outcome.err
        assert {row["result"] for row in json.loads(outcome.out)} <= {"pass", "does not apply"}


BROKEN = {
    "attacks": "noise = nudge:Nudge\nbad-attack = failing:x\nworse-attack = halves:Halves",
    "balancings": "total = halves:Halves\nbad = exiting:x\nworse = nudge:Nudge",
    "optimizers": "pgd = dash:Dash\nbad-name = dash:Dash\nworse = halves:Halves",
    "losses": "train = squares:SQUARES\nbad = squares:squared\nworse = not.there:x",
    "tasks": "depth = brightness:Brightness\nbad = nudge:Nudge\nworse = brightness",
    "datasets": "rooms3 = patches:patches\nbad = nudge:Nudge\nworse = patches:nothing",
    "models": "rooms3-shared.clean = dimmer:dimmer\nbad = dimmer:Dimmer\nworse = failing:x",
    "suites": "quick = plan:PLAN\nbad = dimmer:dimmer\nworse = failing:x",
}


def test_broken_plugins_cost_a_line_and_themselves(site: Path) -> None:
    (site / "failing.py").write_text("1 / 0")
    (site / "exiting.py").write_text("import sys\nsys.exit()")
    install(site, "broken", BROKEN)
    lists = [f"list {kind} --json" for kind in BROKEN]
    *listed, ran, named = commands(
        site.parent / "work",
        *lists,
        "run plan --workers 1 --out out --json",
        "run plan --workers 1 --out out --attack bad-attack",
        path=site,
    )
    said = "".join(outcome.err for outcome in listed)
    for kind, outcome in zip(BROKEN, listed, strict=True):
        assert outcome.code == 0, outcome.err
        names = [row["name"] for row in json.loads(outcome.out)]
        assert len({*names}) == len(names)
        assert NAMES[kind] in names
        for name in ("bad", "worse"):
            assert not [found for found in names if found.partition("-")[0] == name or found.endswith(f"-{name}")]
    lines = [line for line in said.splitlines() if "left out" in line]
    assert len(lines) == len({*lines}) == sum(points.count("=") for points in BROKEN.values())
    assert said.count("the name is taken") == 7
    assert ran.code == 0, ran.err
    assert {record["attack"] for record in json.loads(ran.out)} == attacks_of(NAMES)
    assert named.code == 2
    assert named.err.startswith("mtrbench: ")
    assert named.err.count("\n") == 1
    assert "failing:x' cannot be imported: ZeroDivisionError: division by zero (failing.py, line 1)" in named.err

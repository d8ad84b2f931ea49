"""Records that mean harm: refused in one line with nothing written, or shown as the text that they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from helpers.commands import Outcome, assert_refused, mtrbench
from helpers.make_records import TASKS, make_clean_record, make_record

from mtrbench.benchmark.protocol.cells import Cell

SCRIPT = "<script>alert(1)</script>"
LONG = "a" * 10**6
BOUNDLESS = {"low": -1.7e308, "high": 1.7e308, "levels": "AAAA" * 2}
NOTHING = {"value": None, "low": None, "high": None}
Content = dict[str, Any]


def publish(folder: Path, text: str, others: Mapping[str, str] = MappingProxyType({})) -> Outcome:
    (folder / "records").mkdir()
    for name, content in {"hostile": text, **others}.items():
        (folder / "records" / f"{name}.json").write_text(content)
    return mtrbench("leaderboard", "--records", folder / "records", "--out", folder / "out")


def keyed(content: Content) -> Content:
    """The record with the key that its cell has, so that only what is hostile in it can be refused."""
    try:
        return content | {"key": Cell.model_validate_json(json.dumps(content["cell"])).key}
    except ValueError:
        return content


def put(*path: str, value: object) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        for name in path[:-1]:
            content = content[name]
        assert path[-1] in content
        content[path[-1]] = value

    return change


REFUSED = {
    "a script as a model": (put("cell", "model", "name", value=SCRIPT), "cell.model.name"),
    "a script as an attack": (put("cell", "attack", "name", value=SCRIPT), "cell.attack.name"),
    "a script as a data set": (put("cell", "dataset", "name", value=SCRIPT), "cell.dataset.name"),
    "a script as a twin": (put("model_facts", "twin", value=SCRIPT), "model_facts.twin"),
    "a script as a training": (put("model_facts", "adversary", value=SCRIPT), "model_facts.adversary"),
    "a line break in a name": (put("cell", "model", "name", value="a\nb"), "cell.model.name"),
    "a bar in a name": (put("cell", "attack", "name", value="a|b"), "cell.attack.name"),
    "a formula as a model": (put("cell", "model", "name", value="=HYPERLINK(A1)"), "cell.model.name"),
    "a formula as an attack": (put("cell", "attack", "name", value="@SUM(A1)"), "cell.attack.name"),
    "an endless name": (put("cell", "model", "name", value=LONG), "cell.model.name"),
    "an endless attack": (put("cell", "attack", "name", value=LONG), "cell.attack.name"),
    "endless replicates": (put("degradation", "replicates", "depth", "levels", value="A" * 10**6), "replicates"),
    "a negative count": (put("model_facts", "parameters", value=-1), "model_facts.parameters"),
    "a negative number of images": (put("cell", "dataset", "images", value=-5), "cell.dataset.images"),
    "a negative budget": (put("cell", "threat", "eps", value=-4.0), "cell.threat.eps"),
    "a score that is text": (put("degradation", "ard", "value", value="1e9"), "degradation.ard.value"),
    "an average of its own": (put("degradation", "ard", "value", value=2.61), "ard must be the mean of the tasks"),
    "an average of nothing": (put("degradation", "ard", value=NOTHING), "ard must be the mean of the tasks"),
    "a value beside its interval": (put("degradation", "ard", "value", value=0.01), "a value must lie in its"),
    "an interval of nothing": (put("degradation", "ard", "value", value=None), "a value must lie in its interval"),
    "an interval of its own": (put("degradation", "ard", "low", value=2.6), "interval of ard must be that of"),
    "a task of its own": (put("degradation", "tasks", "depth", "value", value=4.19), "ard must be the mean"),
    "damage of its own": (
        put("degradation", "metrics", "depth", "delta1", "value", value=4.1),
        "flat must be the mean",
    ),
    "scores of its own": (put("attacked", "segmentation", "miou", "value", value=0.0515), "that of its scores"),
    "a least of its own": (put("degradation", "worst_task", "value", value=0.94), "worst_task must be the least"),
    "a flat mean of its own": (put("degradation", "flat", "value", value=3.01), "flat must be the mean"),
    "losses of their own": (put("degradation", "arlc", "value", value=2.61), "arlc must be the mean of the losses"),
    "what is not complete": (put("complete", value=False), "complete tells whether the ard is defined"),
    "negative costs": (put("costs", "forwards", value=-1.0), "costs.forwards"),
    "negative seconds": (put("costs", "seconds", value=-1.0), "costs.seconds"),
    "a count beyond all": (put("solver", "programs", value={"optimal": 2**60}), "solver.programs"),
    "images beyond all": (put("cell", "dataset", "images", value=10**12), "cell.dataset.images"),
    "a share above 1": (put("diagnostics", "zero_gradient", "depth", value=1.5), "diagnostics.zero_gradient"),
    "replicates that are none": (put("degradation", "replicates", "depth", "levels", value="%%%"), "replicates"),
    "replicates upside down": (put("degradation", "replicates", "depth", "low", value=1e300), "low must not"),
    "replicates of no range": (put("degradation", "replicates", "depth", value=BOUNDLESS), "infinitely far below"),
    "too few replicates": (
        put("degradation", "replicates", "depth", "levels", value="AAAAAA=="),
        "every task must have its replicates, as many",
    ),
    "a task that nobody knows": (put("cell", "tasks", value={"mind": {"version": 1}}), "scores must name the tasks"),
    "a metric too few": (put("clean", "depth", value={}), "scores of depth must name the metrics abs_err, rel_err"),
    "a metric of no name": (put("attacked", "depth", value={}), "scores of depth must name the metrics"),
    "another cell's key": (put("cell", "seed", value=1), "hostile.json"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_content_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    change, message = REFUSED[name]
    content = make_record().model_dump(mode="json", by_alias=True)
    change(content)
    if name != "another cell's key":
        content = keyed(content)
    assert_refused(publish(tmp_path, json.dumps(content)), message)
    assert not (tmp_path / "out").exists()


CLEAN_REFUSED: dict[str, tuple[Callable[[Content], None], str]] = {
    "an attack": (put("cell", "attack", value=make_record().cell.attack.model_dump()), "attack_facts: Field required"),
    "a budget": (put("cell", "threat", value=make_record().cell.threat.model_dump(mode="json")), "has no attack"),
    "scores of another task": (put("scores", value={}), "scores must name the tasks"),
    "a score without replicates": (put("replicates", "depth", value={}), "must name the metrics"),
    "too few replicates": (
        put("replicates", "depth", "rel_err", "levels", value="AAAAAA=="),
        "rel_err has 2",
    ),
}


@pytest.mark.parametrize("name", CLEAN_REFUSED)
def test_a_hostile_clean_pass_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    change, message = CLEAN_REFUSED[name]
    pair = [make_record(model) for model in ("rooms3-shared.clean", "rooms3-independent.clean")]
    content = make_clean_record(pair[0]).model_dump(mode="json", by_alias=True)
    change(content)
    others = {record.key: record.to_json() for record in (*pair, make_clean_record(pair[1]))}
    assert_refused(publish(tmp_path, json.dumps(keyed(content)), others), message)
    assert not (tmp_path / "out").exists()


TEXTS: dict[str, Callable[[str], str]] = {
    "NaN": lambda text: text.replace('"seconds": 12.8', '"seconds": NaN'),
    "an infinity": lambda text: text.replace('"seconds": 12.8', '"seconds": Infinity'),
    "a number beyond all": lambda text: text.replace('"seconds": 12.8', '"seconds": 1e999'),
    "a key twice": lambda text: text.replace('"seconds": 12.8', '"seconds": 12.8, "seconds": 0.1'),
    "an unknown key": lambda text: text.replace('"seconds": 12.8', '"seconds": 12.8, "__class__": "os.system"'),
    "brackets without end": lambda text: "[" * 10**6,
    "no text": lambda text: "\x00\xff",
    "half a record": lambda text: text[: len(text) // 2],
}


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_json_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    text = TEXTS[name](make_record().to_json())
    assert text != make_record().to_json()
    assert_refused(publish(tmp_path, text), "hostile.json")
    assert not (tmp_path / "out").exists()


def test_other_numbers_of_one_cell_are_refused(tmp_path: Path) -> None:
    other = make_record(damage=dict.fromkeys(TASKS, 0.0))
    outcome = publish(tmp_path, make_record().to_json(), {"other": other.to_json()})
    assert_refused(outcome, "hostile.json and record", "other.json are of the same cell", "remove the wrong one")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../../../tmp/evil",
        "/etc/passwd",
        "..",
        "CON",
        "a/b\\c",
        "%2e%2e%2f",
        "javascript:alert(1)",
        '" onload="x',
    ],
)
def test_names_like_paths_and_code_are_inert(tmp_path: Path, name: str) -> None:
    outcome = publish(tmp_path, make_record(name, name, damage=dict.fromkeys(TASKS, 1.0)).to_json())
    assert outcome.code == 0, outcome.err
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "hostile.json"]
    assert written
    assert all(path.is_relative_to(tmp_path / "out") for path in written)
    assert not (tmp_path.parent / "tmp").exists()
    for path in written:
        if path.suffix == ".html":
            text = path.read_text()
            assert 'href="javascript:' not in text
            assert 'onload="x' not in text

"""Suites that do not come with the package: files, objects, those of other packages."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from helpers.commands import assert_refused, mtrbench

from mtrbench import BadInputError
from mtrbench.api.suites import cell_count, find_suite
from mtrbench.benchmark.protocol.registry import Registry
from mtrbench.benchmark.suites.registry import SUITES, as_suite

TEXT = 'dataset = "rooms3"\nimages = 2\neps = [4]\nmodels = ["rooms3-shared.clean"]\nattacks = ["noise"]\n'


def test_file_object_fields_and_path_are_suites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small.toml").write_text(TEXT)
    (tmp_path / "suites_of_mine.py").write_text(
        "import tomllib, pathlib\n"
        "from mtrbench.benchmark.suites.suite import Suite\n"
        "path = pathlib.Path(__file__).parent / 'small.toml'\n"
        "fields = tomllib.loads(path.read_text())\n"
        "suite = Suite(**fields)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = [SUITES.get(str(tmp_path / "small.toml"))]
    found += [SUITES.get(f"suites_of_mine:{name}") for name in ("path", "fields", "suite")]
    assert found == [found[0]] * 4
    assert found[0].attacks == ["noise"]
    with pytest.raises(BadInputError, match="suite 'suites_of_mine:tomllib' is a module"):
        SUITES.get("suites_of_mine:tomllib")


def test_an_installed_package_adds_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fields = tomllib.loads(TEXT)
    (tmp_path / "suites_of_others.py").write_text(f"small = {fields}\nbroken = {fields | {'attacks': ['*-pgdd']}}")
    monkeypatch.syspath_prepend(tmp_path)
    points = [EntryPoint(name, f"suites_of_others:{name}", SUITES.group or "") for name in ("small", "broken")]
    monkeypatch.setattr("mtrbench.benchmark.protocol.registry.entry_points", lambda group: points)
    installed = Registry(SUITES.kind, SUITES.entries, as_suite, SUITES.group)
    monkeypatch.setattr("mtrbench.api.suites.SUITES", installed)
    listed = mtrbench("list", "suites")
    assert re.search(r"small +rooms3 +2 +1 +1 +1 +4 +- +-\n", listed.out)
    assert "broken" not in listed.out
    assert re.search(r"suite broken: attacks: '\*-pgdd' stands for no attack.*; it is left out", caplog.text)


def test_the_example_of_the_documentation_is_one(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "suites.md").read_text(encoding="utf-8")
    (tmp_path / "example.toml").write_text(text.partition("```toml\n")[2].partition("```")[0])
    suite = find_suite(str(tmp_path / "example.toml"))
    assert {"noise", "square", "single:depth-pgd", "dgba-apgd@aligned", "smta:depth-apgd@aligned"} & {
        *suite.attacks
    } == {"noise", "square", "single:depth-pgd", "dgba-apgd@aligned"}
    assert cell_count(suite) == len(suite.models) * (len(suite.attacks) * 2 + 2)


def test_a_file_is_run(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace("rooms3-shared.clean", str(tiny)))
    outcome = mtrbench("run", path, "--out", tmp_path / "out", "--workers", 1, "--json")
    assert outcome.code == 0, outcome.err
    assert '"attack": "noise"' in outcome.out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[4]", "[4"), ("mine.toml is not TOML", "line 4")),
        (
            ("eps = [4]\nmodels", "ep = [4]\nmodel"),
            ("field 'eps': Field required", "field 'model'", "'ep'"),
        ),
        (("2", "0"), ("field 'images'", "greater than 0")),
        (
            ("rooms3", "room3"),
            (
                "dataset: unknown data set 'room3'; did you mean rooms3",
                "models: unknown model 'room3-shared.clean'",
            ),
        ),
        (
            ('["noise"]', '["totl-pgd", "single:dept-pgd", "*-pgdd", "@ensembl", "single-pgd", "no.such:thing"]'),
            (
                "attacks: '*-pgdd' stands for no attack that is registered",
                "attacks: unknown kind of attack 'ensembl'; did you mean ensemble",
                "attacks: unknown attack 'totl-pgd'; did you mean",
                "attacks: unknown task of attack 'single:dept-pgd': 'dept'; did you mean depth",
                "attacks: attack 'single-pgd' lacks its task",
                "attacks: attack 'no.such:thing': no module no is installed",
            ),
        ),
        (("images = 2", "settings = { neighbors = 2, queries = 2 }"), ("no attack of it has neighbors",)),
    ],
)
def test_all_that_is_wrong_in_a_file_is_said_in_one_line(
    change: tuple[str, str], words: tuple[str, ...], tmp_path: Path
) -> None:
    path, out = tmp_path / "mine.toml", tmp_path / "out"
    path.write_text(TEXT.replace(*change))
    assert_refused(mtrbench("run", path, "--out", out), f"suite {path}", *words)
    assert not out.exists()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert_refused(mtrbench("run", tmp_path / "none.toml"), "none.toml cannot be read: No such file")

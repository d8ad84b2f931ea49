"""Folders of folders of records: each published apart, and an index of them."""

import posixpath
import re
import shutil
from pathlib import Path

import pytest
from helpers.commands import mtrbench
from helpers.make_records import MODELS, make_record, many_records

from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.cli.tables import echo_boards
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.output.pages import FORMATS, Extras, files
from mtrbench.leaderboards.site.readme import BEGIN, END, with_boards
from mtrbench.leaderboards.site.suites import read_suites, suite_files

SUITES = {
    "first": [make_record(model, "dgba-pgd") for model in (*list(MODELS)[:2], "rooms3-half.clean")],
    "second": [make_record(attack="total-pgd")],
}


def stored(folder, records):
    folder.mkdir(parents=True)
    for record in records:
        (folder / f"{record.key}.json").write_text(record.to_json())


@pytest.fixture
def folder(tmp_path):
    for name, records in SUITES.items():
        stored(tmp_path / "records" / name, records)
    (tmp_path / "records" / "empty").mkdir()
    return tmp_path / "records"


def grouped(suites):
    return {name: group(records) for name, records in suites.items()}


def keys(suites):
    return {name: {record.key for record in records} for name, records in suites.items()}


def test_folders_are_suites_and_a_plain_folder_is_one(folder):
    assert keys(read_suites(folder)) == keys(SUITES)
    assert keys(read_suites(folder / "first")) == {"": {record.key for record in SUITES["first"]}}


def test_records_beside_folders_are_a_plain_folder(folder):
    record = SUITES["first"][0]
    (folder / f"{record.key}.json").write_text(record.to_json())
    assert keys(read_suites(folder)) == {"": {record.key}}


def test_neither_records_nor_folders_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="holds no records"):
        read_suites(tmp_path)
    with pytest.raises(BadInputError, match="no records at"):
        read_suites(tmp_path / "none")


def test_several_places_are_united(folder, tmp_path):
    first, second = SUITES["first"], SUITES["second"]
    new = make_record("mine")
    stored(tmp_path / "others" / "first", [new, first[0]])
    found = read_suites(folder, tmp_path / "others")
    assert keys(found) == {**keys(SUITES), "first": {record.key for record in (*first, new)}}
    assert len(found["first"]) == len(first) + 1
    assert keys(read_suites(tmp_path / "others" / "first", folder / "second")) == {
        "": {record.key for record in (new, first[0], *second)}
    }
    (file,) = (folder / "second").iterdir()
    assert keys(read_suites(tmp_path / "others" / "first", file)) == keys(
        read_suites(tmp_path / "others" / "first", folder / "second")
    )


def test_records_of_no_suite_are_not_united_with_suites(folder):
    with pytest.raises(BadInputError, match=r"first holds records, .*records folders of them; name one of these, as"):
        read_suites(folder, folder / "first")


def test_the_command_line_unites_records(folder, tmp_path):
    places = ("--records", folder / "first", "--records", folder / "second")
    assert mtrbench("leaderboard", *places, "--out", tmp_path / "out").code == 0
    assert mtrbench("leaderboard", *places[2:], *places[:2], "--out", tmp_path / "out", "--check").out == ""


@pytest.mark.parametrize("extras", [Extras(), Extras(site=True, formats=frozenset(FORMATS))])
def test_every_suite_is_published_as_if_alone(extras):
    found = suite_files(grouped(SUITES), extras=extras)
    for name, records in SUITES.items():
        own = {path.removeprefix(f"{name}/"): found[path] for path in found if path.startswith(f"{name}/")}
        assert own == files(group(records), extras)
    assert {path for path in found if not path.startswith(("first/", "second/", "site/"))} == {
        "README.md",
        *(f"layouts.{ending}" for ending in ("svg", "dark.svg", "png") if ending != "png" or ending in extras.formats),
        *(
            f"answer.{ending}"
            for ending in ("svg", "dark.svg", "png", "csv")
            if ending != "png" or ending in extras.formats
        ),
    }
    assert any(path.startswith("site/") for path in found) == extras.site
    index = found["README.md"].decode()
    about = "rooms3, 256 images of 64x64, L∞ 8/255"
    assert f"- [first](first/README.md): {about} (models: 3, attacks: 1)\n" in index
    assert f"- [second](second/README.md): {about} (models: 1, attacks: 1)\n" in index


@pytest.mark.parametrize("formats", [(), FORMATS])
def test_links_of_the_site_lead_to_what_is_published(formats):
    found = suite_files(grouped(SUITES), extras=Extras(site=True, formats=frozenset(formats)))
    pages = [content.decode() for path, content in found.items() if path.endswith(".html")]
    targets = {target for page in pages for target in re.findall(r'(?:href|src)="([^"#:]+)["#]', page)}
    assert {f"../first/models.{ending}" for ending in ("csv", *formats)} - {"../first/models.png"} < targets
    assert {posixpath.normpath(f"site/{target}") for target in targets} <= {*found}


def test_the_readme_names_the_suite_that_it_shows():
    begin = BEGIN.replace("begin", "begin first")
    text = with_boards(f"a\n{begin}\nold\n{END}\nb\n", grouped(SUITES))
    assert text.startswith(f"a\n{begin}\n")
    assert "leaderboards/published/first/tradeoff.svg" in text
    assert "total-pgd" not in text
    assert with_boards(text, grouped(SUITES)) == text


def test_a_page_shows_the_best_of_a_suite_in_short():
    text = with_boards("<!-- best:begin first -->\n<!-- best:end -->\n", grouped(SUITES))
    assert text.startswith("<!-- best:begin first -->\n\n### Strongest attacks: rooms3")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    models = [f"rooms3-{layout}.clean" for layout in ("independent", "half", "shared")]
    assert [row.split("`")[1] for row in rows] == ["dgba-pgd", *models]
    assert all("\u00a0[" in row for row in rows)
    assert with_boards(text, grouped(SUITES)) == text


@pytest.mark.parametrize(
    ("name", "suites", "known"),
    [
        ("", SUITES, "begin first -->.*begin second -->"),
        (" thrid", SUITES, "begin thrid -->.*begin first -->"),
        (" first", {"": SUITES["first"]}, "begin first --> names none.*boards:begin -->"),
    ],
)
def test_a_readme_that_names_no_suite_of_these_is_refused(name, suites, known):
    with pytest.raises(BadInputError, match=known):
        with_boards(f"{BEGIN.replace('begin', 'begin' + name)}{END}", grouped(suites))


def test_the_command_publishes_and_checks_folders_of_folders(folder, tmp_path):
    readme, out = tmp_path / "README.md", tmp_path / "out"
    readme.write_text(f"{BEGIN.replace('begin', 'begin second')}\n{END}\n")
    arguments = ("leaderboard", "--records", folder, "--out", out, "--readme", readme)
    assert mtrbench(*arguments).code == 0
    assert mtrbench(*arguments, "--check").code == 0
    (out / "first" / "attacks.csv").write_text("other")
    (out / "second" / "models.md").unlink()
    shutil.copytree(out / "first", out / "third")
    outcome = mtrbench(*arguments, "--check")
    assert outcome.code == 1
    assert {"first/attacks.csv differs", "second/models.md is missing"} < set(outcome.out.splitlines())
    assert "third/records.csv would not be written" in outcome.out


def test_the_terminal_shows_the_top_and_the_controls_of_a_long_board(capsys):
    part = [record for record in many_records() if record.cell.model.name == "rooms3-shared.clean"]
    echo_boards(group(part), Path("out"))
    board = capsys.readouterr().out.partition("Models:")[0]
    rows = [line for line in board.splitlines() if "[" in line and "]" in line][1:]
    assert len(rows) == 20 + 2
    assert [line.split()[1] for line in rows[20:]] == ["noise", "noise:uniform"]
    assert f"... and {len(part) - 22} more: see out\n" in board
    assert max(map(len, board.splitlines())) <= 120

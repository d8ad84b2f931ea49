"""Published files: complete, the same bytes every time, checked against the records."""

import csv
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers.commands import search_path
from helpers.make_records import DAMAGE, MODELS, TASKS, all_records, make_record

from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.sharing import clean_gains, damages, shown_families
from mtrbench.leaderboards.output.pages import FORMATS, Extras, files
from mtrbench.leaderboards.output.publish import check, publish
from mtrbench.leaderboards.plots.tradeoff import points
from mtrbench.leaderboards.site.readme import BEGIN, END, updated, with_boards

EVERYTHING = Extras(site=True, formats=frozenset(FORMATS))
HALF = "rooms3-half.clean"
"""A third degree of sharing: two make no trade-off."""


def some_records():
    return [*all_records(), *(make_record(HALF, attack) for attack in DAMAGE)]


@pytest.fixture(scope="module")
def records():
    return some_records()


@pytest.fixture(scope="module")
def published(records):
    return files(group(records), EVERYTHING)


def digest(content):
    return hashlib.sha256(b"".join(name.encode() + content[name] for name in content)).hexdigest()


def test_every_board_and_picture_is_there(published):
    expected = {"README.md", "attacks.md", "attacks.csv", "models.md", "models.csv", "metrics/depth-rel_err.csv"}
    expected |= {"attacked-victim.md", "attacked-victim.csv", "tradeoff.svg", "tradeoff.png"}
    expected |= {"heatmap-attacks-models.svg", "heatmap-attacked-victim.png"}
    expected |= {"records.csv", "attacks.json", "models.tex"}
    assert expected <= set(published)


def test_extras_only_add(records, published):
    plain = files(group(records))
    assert {path.rsplit(".")[-1] for path in plain} == {"md", "csv", "svg"}
    assert not any(path.startswith("metrics/") for path in plain)
    # The index has links to what was added; all else is the same.
    assert {path for path in plain if published[path] != plain[path]} == {"README.md"}
    some = files(group(records), Extras(formats=frozenset({"tex"})))
    assert {*some} - {*plain} == {path for path in published if path.endswith(".tex")}


def test_every_record_has_a_row_with_its_key_and_command(records):
    transferred = make_record("rooms3-shared.clean", "total-pgd", source="rooms3-independent.clean")
    everything = [*records, transferred]
    rows = [*csv.DictReader(files(group(everything))["records.csv"].decode().splitlines())]
    assert {row["key"]: row["command"] for row in rows} == {record.key: record.command() for record in everything}
    ards = {record.key: record.degradation.ard for record in everything}
    for row in rows:
        found = ards[row["key"]]
        assert [float(row[name]) for name in ("ard", "ard_low", "ard_high")] == pytest.approx(
            [found.value, found.low, found.high], rel=1e-5
        )


def test_a_row_of_one_record_alone_has_a_key():
    one, two = make_record("a.clean", "dgba-pgd"), make_record("b.clean", "dgba-pgd")
    for records, keys in (([one], [one.key]), ([one, two], [""])):
        rows = csv.DictReader(files(group(records))["attacks.csv"].decode().splitlines())
        assert [row["key"] for row in rows] == keys


@pytest.mark.parametrize(("extras", "fewest"), [(Extras(), 15), (EVERYTHING, 30)])
def test_links_of_the_index_lead_somewhere(records, extras, fewest):
    published = files(group(records), extras)
    text = published["README.md"].decode()
    targets = [part.split(")")[0] for part in text.split("](")[1:]]
    assert len(targets) > fewest
    assert set(targets) <= set(published)


def test_same_records_same_bytes_in_any_order(records, published):
    shuffled = [records[i] for i in np.random.default_rng(1).permutation(len(records))]
    assert files(group(shuffled), EVERYTHING) == published


@pytest.mark.parametrize("seed", ["1", "2"])
def test_same_bytes_in_another_process(published, seed):
    code = "import test_publish as t; print(t.digest(t.files(t.group(t.some_records()[::-1]), t.EVERYTHING)))"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "MPLBACKEND": "svg"}
    here = Path(__file__).parent
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        env={**environment, "PYTHONPATH": search_path(here, here.parent)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == digest(published)


def test_pictures_are_whole_and_carry_no_date_or_version(published):
    for name, content in published.items():
        if name.endswith(".svg"):
            assert ElementTree.fromstring(content).tag.endswith("svg")  # noqa: S314
            assert b"dc:date" not in content
            assert b"Matplotlib v" not in content
        if name.endswith(".png"):
            assert content.startswith(b"\x89PNG")
            assert b"Software" not in content


def test_publish_then_check_finds_what_differs(published, tmp_path):
    written = publish(published, tmp_path)
    assert all(path.is_file() for path in written)
    assert check(published, tmp_path) == []
    (tmp_path / "attacks.csv").write_text("other")
    (tmp_path / "models.md").unlink()
    (tmp_path / "metrics" / "old.md").write_text("old")
    assert check(published, tmp_path) == [
        "attacks.csv differs",
        "metrics/old.md would not be written",
        "models.md is missing",
    ]
    assert len(check(published, tmp_path / "nowhere")) == len(written)


def test_no_temporary_files_are_left(published, tmp_path):
    written = publish(published, tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(written)


def test_readme_changes_only_between_the_markers(records, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    _, text = updated(readme, {"": group(records)}, {}, tmp_path / "leaderboards" / "published")
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert "leaderboards/published/tradeoff.svg" in text
    assert "`dgba-pgd`" in text
    assert with_boards(text, {"": group(records)}) == text


def test_a_page_elsewhere_sees_the_published_files_from_there(records, tmp_path):
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text(f"{BEGIN}\n{END}\n<!-- answer:begin -->\nold\n<!-- answer:end -->\n")
    _, text = updated(page, {"": group(records)}, {}, tmp_path / "boards")
    assert 'src="../boards/tradeoff.svg"' in text
    assert "old" not in text


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END} {BEGIN}"])
def test_a_readme_without_markers_is_refused(records, text):
    with pytest.raises(BadInputError, match="markers"):
        with_boards(text, {"": group(records)})


def test_points_of_the_tradeoff(records):
    (part,) = group(records)
    (family,) = shown_families(part)
    gains, falls = clean_gains(part, family), damages(part, family, "dgba-pgd")
    found = points(family, gains)
    assert [(p.sharing, p.score) for p in found] == [(1.0, pytest.approx(6)), (0.5, pytest.approx(3)), (0.0, 0.0)]
    assert points(family, falls)[0].score == pytest.approx(sum(DAMAGE["dgba-pgd"]) / 3)


def test_other_settings_have_pictures_of_their_own(records):
    other = "tradeoff-rooms3-256-images-of-64x64-linf-4-255.svg"
    more = [
        make_record(model, attack, eps=4.0)
        for model in (*MODELS, HALF)
        for attack in ("total-pgd", "dgba-pgd", "dgba-fgsm")
    ]
    assert {"tradeoff.svg", other} <= set(files(group([*records, *more])))
    assert other not in files(group([*records, *(record for record in more if record.attack.name == "dgba-pgd")]))


ODD = {
    "one record": [make_record()],
    "no headline attack": [make_record(attack="total-pgd")],
    "nothing complete": [make_record(damage={"segmentation": None, "depth": 1.0, "normals": 1.0})],
    "no damage": [make_record(damage={"segmentation": 0.0, "depth": 0.0, "normals": 0.0})],
    "damage and its opposite": [make_record(), make_record(attack="noise", damage=dict.fromkeys(TASKS, -0.1))],
    "no sharing index": [make_record(facts={"sharing_index": None})],
    "one task": [make_record(tasks=("depth",), attack="single:depth-pgd")],
    "two tasks": [
        make_record(
            tasks=("segmentation", "keypoints2d"),
            damage={"segmentation": 1.0, "keypoints2d": 0.5},
            clean={"segmentation": {"miou": 0.5, "pixel_accuracy": 0.8}, "keypoints2d": {"mae": 0.1}},
        )
    ],
    "many models of one layout": [make_record(f"m{i}.clean", attack) for i in range(12) for attack in DAMAGE],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_sets_of_records_can_be_published(name):
    assert "README.md" in files(group(ODD[name]))

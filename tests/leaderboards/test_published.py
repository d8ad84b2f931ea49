"""What is committed under leaderboards/ and in the README comes out of the committed records."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtrbench.api.resolver import LocalWorkshop, found_models
from mtrbench.benchmark.evaluation import with_clean
from mtrbench.benchmark.protocol.records import Record
from mtrbench.benchmark.suites import load_suite
from mtrbench.leaderboards.analysis.gallery import read_gallery
from mtrbench.leaderboards.output.publish import check
from mtrbench.leaderboards.site.readme import with_boards
from mtrbench.leaderboards.site.suites import Suites, read_suites, suite_files

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "leaderboards" / "records"
PICTURES = read_gallery(ROOT / "leaderboards" / "gallery")
NAMES = sorted(folder.name for folder in RECORDS.iterdir() if folder.is_dir())


@pytest.fixture(scope="module")
def suites() -> Suites:
    return read_suites(RECORDS)


def test_boards_are_those_of_the_records(suites: Suites) -> None:
    assert check(suite_files(suites, PICTURES), ROOT / "leaderboards" / "published") == []


def test_readme_is_that_of_the_records(suites: Suites) -> None:
    text = (ROOT / "README.md").read_text()
    assert with_boards(text, suites, PICTURES) == text


def test_records_lie_in_folders_of_suites(suites: Suites) -> None:
    assert sorted(suites) == NAMES != []


@pytest.mark.parametrize("name", NAMES)
def test_records_are_those_of_the_suite(suites: Suites, name: str) -> None:
    # By key: other weights, data, settings or versions than those of today make other cells.
    suite = load_suite(name)
    workshop = LocalWorkshop(found_models(suite.every_model), data_root=None, device="cpu", batch_size=32)
    assert {record.key for record in suites[name]} == {cell.key for cell in with_clean(workshop.cells(suite))}
    assert all(record.complete for record in suites[name] if isinstance(record, Record))

"""What is committed under leaderboards/ and in the README comes out of the committed records."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtrbench.benchmark.protocol.records import read_records
from mtrbench.benchmark.suites import load_suite
from mtrbench.cli.workshop import LocalWorkshop, found_models
from mtrbench.leaderboards.publish import check
from mtrbench.leaderboards.readme import with_boards

ROOT = Path(__file__).parent.parent
RECORDS = read_records(ROOT / "leaderboards" / "records")


def test_boards_are_those_of_the_records() -> None:
    assert check(RECORDS, ROOT / "leaderboards" / "published") == []


def test_readme_is_that_of_the_records() -> None:
    text = (ROOT / "README.md").read_text()
    assert with_boards(text, RECORDS) == text


@pytest.mark.parametrize("name", ["quick"])
def test_records_are_those_of_the_suite(name: str) -> None:
    # By key: other weights, data, settings or versions than those of today make other cells.
    suite = load_suite(name)
    workshop = LocalWorkshop(found_models(suite.models), data_root=None, device="cpu", batch_size=32)
    assert {record.key for record in RECORDS} == {cell.key for cell in workshop.cells(suite)}
    assert all(record.complete for record in RECORDS)

"""What is committed under leaderboards/ and in the README comes out of the committed records."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtrbench.api.resolver import LocalWorkshop, found_models
from mtrbench.api.suites import find_suite
from mtrbench.benchmark.evaluation import with_clean
from mtrbench.benchmark.protocol.records import Record
from mtrbench.leaderboards.analysis.gallery import read_gallery
from mtrbench.leaderboards.output.publish import check
from mtrbench.leaderboards.site.readme import with_boards
from mtrbench.leaderboards.site.suites import Suites, read_suites, suite_files
from mtrbench.models.registry import model_names

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
def test_records_are_of_the_models_data_and_attacks_of_today(suites: Suites, name: str) -> None:
    # By key: other weights, data, settings or versions than those of today make other cells.
    workshop = LocalWorkshop({model: model for model in model_names()}, data_root=None, device="cpu", batch_size=32)
    for record in suites[name]:
        cell = record.cell
        if cell.model.name in workshop.models and cell.attack and cell.threat:
            about = cell.model.name, cell.dataset.name, cell.dataset.images, cell.attack.name, cell.threat, cell.seed
            today = workshop.cell(*about, cell.attack.settings)
            assert today.model_copy(update={"source": cell.source}).key == record.key
    assert all(record.complete for record in suites[name] if isinstance(record, Record))


@pytest.mark.parametrize("name", NAMES)
def test_suites_run_what_there_are_records_of(suites: Suites, name: str) -> None:
    # More models and attacks may join a suite, and others' records its folder; what has been measured stays.
    suite = find_suite(name)
    workshop = LocalWorkshop(found_models(suite.every_model), data_root=None, device="cpu", batch_size=32)
    cells = with_clean(workshop.cells(suite))
    listed = {(cell.model.name, cell.attack and cell.attack.name) for cell in cells}
    of_the_suite = {r.key for r in suites[name] if (r.cell.model.name, r.cell.attack and r.cell.attack.name) in listed}
    assert of_the_suite <= {cell.key for cell in cells}
    assert of_the_suite

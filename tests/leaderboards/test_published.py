"""What is committed under leaderboards/ and in the README comes out of the committed records."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from helpers.photographs import root_of, ships

from mtrbench.api.resolver import LocalWorkshop, found_models
from mtrbench.api.suites import find_suite
from mtrbench.benchmark.evaluation import with_clean
from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.protocol.records import AnyRecord, Record
from mtrbench.leaderboards.analysis.gallery import read_gallery
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.output.publish import check
from mtrbench.leaderboards.site.readme import updated
from mtrbench.leaderboards.site.suites import Suites, read_suites, suite_files
from mtrbench.models.registry import model_names

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "leaderboards" / "records"
PICTURES = read_gallery(ROOT / "leaderboards" / "gallery")
MODELS = model_names()
NAMES = sorted(folder.name for folder in RECORDS.iterdir() if folder.is_dir())


@pytest.fixture(scope="module")
def records() -> dict[str, list[AnyRecord]]:
    return read_suites(RECORDS)


@pytest.fixture(scope="module")
def suites(records: dict[str, list[AnyRecord]]) -> Suites:
    return {name: group(of) for name, of in records.items()}


def test_boards_are_those_of_the_records(suites: Suites) -> None:
    assert check(suite_files(suites, PICTURES), ROOT / "leaderboards" / "published") == []


@pytest.mark.parametrize("page", ["README.md", "docs/findings.md"])
def test_pages_are_those_of_the_records(suites: Suites, page: str) -> None:
    text, new = updated(ROOT / page, suites, PICTURES, ROOT / "leaderboards" / "published")
    assert new == text


def test_the_gallery_shows_nothing_but_data_that_ships() -> None:
    texts = (ROOT / "leaderboards" / "gallery").glob("*.json")
    assert sorted(PICTURES) == sorted(path.stem for path in texts) != []
    assert all(ships(exhibit.dataset) for exhibit, _ in PICTURES.values())


def test_records_lie_in_folders_of_suites(suites: Suites) -> None:
    assert sorted(suites) == NAMES != []


def at_hand(cell: Cell) -> bool:
    """Whether this repository has all that a cell names: no code from outside, and data that ships with it."""
    outside = any(part.code for part in (cell.model, cell.source, cell.dataset, cell.attack) if part)
    return not outside and cell.model.name in MODELS and ships(cell.dataset.name)


@pytest.mark.parametrize("name", NAMES)
def test_records_are_of_the_models_data_and_attacks_of_today(records: dict[str, list[AnyRecord]], name: str) -> None:
    # By key: other weights, data, settings or versions than those of today make other cells.
    workshop = LocalWorkshop({model: model for model in MODELS}, data_root=None, device="cpu", batch_size=32)
    for record in records[name]:
        cell = record.cell
        if at_hand(cell) and cell.attack and cell.threat:
            about = cell.model.name, cell.dataset.name, cell.dataset.images, cell.attack.name, cell.threat, cell.seed
            today = workshop.cell(*about, cell.attack.settings)
            assert today.model_copy(update={"source": cell.source}).key == record.key


@pytest.mark.parametrize("name", NAMES)
def test_suites_run_what_there_are_records_of(records: dict[str, list[AnyRecord]], name: str) -> None:
    # More models and attacks may join a suite, and any record its folder; what the suite has measured stays in it.
    suite = find_suite(name)
    root = root_of(suite.dataset)
    workshop = LocalWorkshop(found_models(suite.every_model), data_root=root, device="cpu", batch_size=32)
    cells = with_clean(workshop.cells(suite))
    keys = {cell.key for cell in cells}
    listed = {cell.attack.name for cell in cells if cell.attack}
    there = {record.attack.name for record in records[name] if isinstance(record, Record)}
    run = {record.attack.name for record in records[name] if isinstance(record, Record) and record.key in keys}
    assert run == there & listed != set()


def test_packed_records_stand_in_the_order_of_their_keys() -> None:
    # As `mtrbench records pack` leaves them, so that a change shows what has changed.
    for path in RECORDS.glob("*/*.jsonl.gz"):
        keys = [json.loads(line)["key"] for line in gzip.decompress(path.read_bytes()).splitlines()]
        assert keys == sorted({*keys}), path

"""A frame holds every score, cost and fact of records, under names that say what they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from helpers.make_records import make_clean_record, make_record
from pydantic import BaseModel

import mtrbench
from mtrbench import BadInputError
from mtrbench.api.frames import Records, row
from mtrbench.benchmark.protocol.estimates import Estimate, Replicates


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    undefined = {"segmentation": 0.5, "depth": None, "normals": 1.0}
    first = make_record()
    for record in (first, make_record(attack="total-pgd", damage=undefined), make_clean_record(first)):
        record.save(tmp_path)
    return tmp_path


def leaves(value: object) -> Iterator[object]:
    """Every number and text in a record, but for the resamples."""
    if isinstance(value, Replicates):
        return
    if isinstance(value, Estimate):
        yield from (value.value, value.low, value.high)
    elif is_dataclass(value):
        yield from leaves({field.name: getattr(value, field.name) for field in fields(value)})
    elif isinstance(value, BaseModel):
        yield from leaves({name: getattr(value, name) for name in type(value).model_fields})
    elif isinstance(value, Mapping):
        for name, part in value.items():
            if name != "replicates":
                yield from leaves(part)
    elif isinstance(value, tuple | list):
        yield from value
    else:
        yield value


def test_everything_that_a_record_says_stands_in_its_row(folder: Path) -> None:
    for record in mtrbench.records(folder):
        cells = row(record)
        there = {str(cell) for cell in cells.values()}
        text = ", ".join(there)
        for name in type(record).model_fields:
            if name in ("task_facts", "schema_"):  # what metrics are, and how records are written
                continue
            for value in leaves(getattr(record, name)):
                assert str(value) in there or (isinstance(value, str) and value in text), (name, value)
        assert not any("replicates" in column for column in cells)


def test_columns_say_what_they_hold(folder: Path) -> None:
    frame = mtrbench.records(folder).to_frame().set_index("attack")
    record = make_record()
    found = frame.loc["dgba-pgd"]
    assert found["ard"] == record.degradation.ard.value
    assert (found["ard_low"], found["ard_high"]) == (record.degradation.ard.low, record.degradation.ard.high)
    assert found["degradation.depth"] == record.degradation.tasks["depth"].value
    assert found["degradation.depth.abs_err"] == record.degradation.metrics["depth"]["abs_err"].value
    assert found["loss_change.depth"] == record.degradation.losses["depth"].value
    assert found["attacked.segmentation.miou"] == record.attacked["segmentation"]["miou"].value
    assert found["costs.seconds"] == record.costs.seconds
    assert found["attack.settings.steps"] == 10
    assert (found["attack.balancing"], found["attack.optimizer"]) == ("dgba", "pgd")
    assert (found["model"], found["model.trained_on"], found["dataset"]) == ("rooms3-shared.clean", "rooms3", "rooms3")
    assert (found["eps"], found["norm"], found["images"], found["height"]) == (8.0, "linf", 256, 64)
    assert found["environment.device"] == record.environment.device


def test_what_a_record_lacks_is_missing(folder: Path) -> None:
    frame = mtrbench.records(folder).to_frame()
    assert len(frame) == 3
    assert frame["key"].is_unique
    clean = frame[frame["attack"].isna()].iloc[0]
    assert clean["clean.depth.abs_err"] == make_record().clean["depth"]["abs_err"].value
    assert clean[["ard", "eps", "attack.kind", "costs.seconds"]].isna().all()
    undefined = frame[frame["attack"] == "total-pgd"].iloc[0]
    assert not undefined["complete"]
    assert undefined[["ard", "degradation.depth"]].isna().all()
    assert frame.groupby("attack")["degradation.segmentation"].mean()["total-pgd"] == 0.5


def test_records_are_a_sequence(folder: Path) -> None:
    found = mtrbench.records(str(folder))
    assert repr(found) == "<3 records>"
    assert isinstance(found[:2], Records)
    assert [*found[:2]] == [found[0], found[1]]
    assert found[0] in found


def test_folders_without_records_are_refused(tmp_path: Path) -> None:
    for place, message in (
        (tmp_path, "holds no records"),
        (tmp_path / "none", "there are no records at"),
        (3, "path of a"),
    ):
        with pytest.raises(BadInputError, match=message):
            mtrbench.records(place)  # type: ignore[arg-type]


def test_without_pandas_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = mtrbench.records(folder)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BadInputError, match="frames need pandas, which is not installed; pip install pandas"):
        found.to_frame()

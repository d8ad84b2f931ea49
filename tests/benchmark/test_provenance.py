"""Tiers follow from evidence, evidence is bound to the numbers that it is of, and nobody types either."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from helpers.make_records import make_clean_record, make_record, supersession, with_evidence
from pydantic import ValidationError

from mtrbench import BadInputError
from mtrbench.benchmark.protocol.provenance import Submission
from mtrbench.benchmark.protocol.reading import read_record

RECORD = make_record()


def content(record):
    return json.loads(record.model_dump_json(by_alias=True))


def read(tmp_path: Path, data):
    path = tmp_path / "record.json"
    path.write_text(json.dumps(data))
    return read_record(path)


@pytest.mark.parametrize("record", [RECORD, make_clean_record(RECORD)], ids=["attacked", "clean"])
def test_tiers_follow_from_the_evidence(record):
    assert record.tier == "claimed"
    recomputed = with_evidence(record, "recomputed")
    assert recomputed.tier == "recomputed"
    rerun = with_evidence(recomputed)
    assert rerun.tier == with_evidence(rerun, "recomputed").tier == "re-run"
    assert with_evidence(rerun, run="https://github.com/o/r/actions/runs/1").tier == "checked in CI"
    assert with_evidence(record, "recomputed", run="https://example.org/1").tier == "recomputed"


def test_a_typed_tier_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="tier: Extra inputs"):
        read(tmp_path, content(RECORD) | {"tier": "re-run"})


@pytest.mark.parametrize("tier", ["local", "published"])
def test_the_typed_tiers_of_schema_4_count_for_nothing(tmp_path, tier):
    assert read(tmp_path, content(RECORD) | {"schema": 4, "tier": tier}) == RECORD


@pytest.mark.parametrize("of", ["degradation", "costs"])
def test_evidence_is_of_the_numbers_that_it_came_with(tmp_path, of):
    data = content(with_evidence(RECORD))
    assert read(tmp_path, data).tier == "re-run"
    changed = {"degradation": ("flat", "value"), "costs": ("forwards",)}[of]
    inner = data[of]
    for name in changed[:-1]:
        inner = inner[name]
    inner[changed[-1]] += 1e-6
    with pytest.raises(BadInputError, match="evidence is of other results"):
        read(tmp_path, data)


def test_evidence_outlives_another_name_and_place(tmp_path):
    record = with_evidence(make_record(costs={**asdict(RECORD.costs), "seconds": 1.0}))
    assert record.results_sha256() == RECORD.results_sha256()
    handed_in = {"name": "mine", "authors": ["A"], "licence": "MIT", "url": "https://e.org", "date": "2026-01-01"}
    assert read(tmp_path, content(record) | {"submission": handed_in}).tier == "re-run"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "../up"),
        ("name", "A"),
        ("authors", []),
        ("authors", ["<b>"]),
        ("authors", ["a\x1b[31m"]),
        ("licence", ""),
        ("url", "http://e.org"),
        ("url", "javascript:alert(1)"),
        ("url", 'https://e.org/"onclick='),
        ("date", "2026-13-01"),
        ("paper", "https://e.org/ x"),
    ],
)
def test_bad_submissions_are_refused(field, value):
    good = {"name": "mine", "authors": ["A"], "licence": "MIT", "url": "https://e.org", "date": "2026-01-01"}
    assert Submission(**good)
    with pytest.raises(ValidationError):
        Submission(**good | {field: value})


@pytest.mark.parametrize("lacking", ["reason", "author", "date"])
def test_nothing_is_superseded_without_reason_author_and_date(tmp_path, lacking):
    said = supersession(RECORD)
    newer = content(make_record(settings={"steps": 5}))
    assert read(tmp_path, newer | {"supersedes": said}).supersedes.reason == "the attack was mended"
    with pytest.raises(BadInputError, match=f"supersedes.{lacking}"):
        read(tmp_path, newer | {"supersedes": {name: value for name, value in said.items() if name != lacking}})

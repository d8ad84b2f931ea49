"""Every wrong model that we could think of is refused or flagged by name, and all other records are what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.commands import Outcome, mtrbench
from helpers.planted_code_models import CAUGHT, Make, honest

from mtrbench import MultiTaskModel, examine_model
from mtrbench.api import model_checks

HONEST = "helpers.planted_code_models:honest"
Run = tuple[Outcome, dict[str, dict[str, Any]]]


def name_of(make: Make) -> str:
    return f"{make.__module__}:{make.__name__}"


def run(out: Path, *models: object) -> Run:
    given = [part for model in models for part in ("--model", model)]
    attacks = ("--attack", "total-fgsm", "--attack", "dgba-pgd[steps=2]")
    outcome = mtrbench("run", *given, *attacks, "--dataset", "rooms3", "--images", 4, "--workers", 1, "--out", out)
    return outcome, {path.name: json.loads(path.read_text()) for path in (out / "records").glob("*.json")}


@pytest.fixture(scope="module")
def planted(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of an honest model and a pretrained one, with planted ones between them."""
    return run(tmp_path_factory.mktemp("planted"), HONEST, *map(name_of, CAUGHT), tiny)


def attacked(records: dict[str, dict[str, Any]], make: Make) -> list[dict[str, Any]]:
    return [one for one in records.values() if one["cell"]["model"]["name"] == name_of(make) and one["cell"]["attack"]]


def test_there_are_twelve_and_more() -> None:
    assert len(CAUGHT) >= 12


@pytest.mark.parametrize("make", CAUGHT, ids=lambda make: make.__name__)
def test_wrong_model_is_refused_or_flagged_by_name(make: Make, planted: Run) -> None:
    outcome, records = planted
    guards, lines = CAUGHT[make], [line for line in outcome.err.splitlines() if f" on {name_of(make)}" in line]
    assert outcome.code == 2
    if guards.sign is not None:
        flagged = [record for record in records.values() if record["cell"]["model"]["name"] == name_of(make)]
        assert flagged
        assert all(guards.sign in record["signs"] for record in flagged)
    elif guards.words == "incomplete":
        assert not any(record["complete"] for record in attacked(records, make))
    else:
        assert guards.words is not None
        assert lines
        assert all(line.startswith("mtrbench: ") and guards.words in line for line in lines)
        assert not attacked(records, make)


def test_every_other_record_is_what_it_is_without_them(planted: Run, tiny: Path, tmp_path: Path) -> None:
    _, found = planted
    outcome, expected = run(tmp_path, HONEST, tiny)
    assert outcome.code == 0, outcome.err
    assert len(expected) == 6
    for name, record in expected.items():
        for content in (record, found[name]):
            if "costs" in content:
                del content["costs"]["seconds"], content["costs"]["peak_memory_mb"]
        assert "signs" not in record
        assert found[name] == record


@pytest.mark.parametrize("make", CAUGHT, ids=lambda make: make.__name__)
def test_validate_tells_all(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_checks, "IMAGES", 4)
    guard = CAUGHT[make].validate
    monkeypatch.setattr(model_checks, "WITHOUT_CARD", {guard: model_checks.WITHOUT_CARD[guard]})
    assert examine_model(name_of(make), "rooms3")[guard].result == "fail"


def test_validate_takes_a_model_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_checks, "IMAGES", 4)
    monkeypatch.setattr(model_checks, "SIZE", (32, 32))
    model = honest()
    assert isinstance(model, MultiTaskModel)
    found = examine_model(model, "rooms3")
    assert tuple(found) == tuple(model_checks.WITHOUT_CARD)
    assert not [name for name, finding in found.items() if finding.result == "fail"]


def test_the_command_exits_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = {"logits": model_checks.WITHOUT_CARD["logits"]}
    monkeypatch.setattr(model_checks, "WITHOUT_CARD", cheap)
    outcome = mtrbench("validate", "model", "helpers.planted_code_models:probabilities", "--dataset", "rooms3")
    assert outcome.code == 1
    assert "all values of segmentation lie in [0, 1]" in outcome.out

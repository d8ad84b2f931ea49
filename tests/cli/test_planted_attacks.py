"""Every wrong attack that we could think of is refused by name, and all other records are what they are without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.commands import Outcome, assert_refused, mtrbench
from helpers.planted_attacks import CAUGHT, SUBTLE, Honest, process, samples, shared

from mtrbench.benchmark.child import Limits

DEADLY = (process.exits, process.ends_the_process, shared.global_hook, samples.RemembersLast)
"""What would end or mislead the kit itself."""
OTHERS = ("noise", "total-fgsm", "dgba-pgd[steps=2]", "helpers.planted_attacks.honest:Honest")
Run = tuple[Outcome, dict[str, dict[str, Any]]]


def name_of(attack: type) -> str:
    return f"{attack.__module__}:{attack.__name__}"


def run(model: Path, out: Path, *attacks: str) -> Run:
    given = [part for attack in attacks for part in ("--attack", attack)]
    limits = ("--limit-seconds", 10, "--workers", 1, "--images", 16)
    outcome = mtrbench("run", "--model", model, *given, *limits, "--out", out)
    return outcome, {path.name: json.loads(path.read_text()) for path in (out / "records").glob("*.json")}


@pytest.fixture(scope="module")
def planted(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of honest attacks with planted ones among them."""
    names = [name_of(attack) for attack in CAUGHT]
    return run(tiny, tmp_path_factory.mktemp("planted"), *OTHERS[:2], *names, *OTHERS[2:])


@pytest.mark.parametrize("attack", CAUGHT, ids=lambda attack: attack.__name__)
def test_wrong_attack_is_refused_by_name(attack: type, planted: Run) -> None:
    outcome, _ = planted
    assert outcome.code == 2
    (line,) = (line for line in outcome.err.splitlines() if line.startswith(f"mtrbench: {name_of(attack)} on tiny "))
    assert CAUGHT[attack] in line


def test_every_other_record_is_what_it_is_without_them(planted: Run, tiny: Path, tmp_path: Path) -> None:
    _, found = planted
    outcome, expected = run(tiny, tmp_path, *OTHERS)
    assert outcome.code == 0
    assert len(expected) == len(OTHERS) + 1
    assert found.keys() == expected.keys()
    for name, record in expected.items():
        for content in (record, found[name]):
            if "costs" in content:
                del content["costs"]["seconds"], content["costs"]["peak_memory_mb"]
        assert found[name] == record
    assert not Path("bombed").exists()


@pytest.mark.parametrize("attack", [Honest, *SUBTLE, *DEADLY], ids=lambda attack: attack.__name__)
def test_the_kit_tells_all(attack: type, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mtrbench.api.attack_checks.LIMITS", Limits(seconds=10))
    outcome = mtrbench("validate", "attack", name_of(attack), "--model", tiny, "--json")
    failed = [row["property"] for row in json.loads(outcome.out) if row["result"] == "fail"]
    assert (outcome.code, bool(failed)) == ((0, False) if attack is Honest else (1, True)), failed


def test_a_module_that_patches_what_all_share_is_not_imported(tmp_path: Path, tiny: Path) -> None:
    path = tmp_path / "at_once.py"
    path.write_text(
        "import torch\nbefore = torch.nn.functional.mse_loss\ntorch.nn.functional.mse_loss = lambda *a, **b: 0\n"
        "def mine(model, batch, threat, noise):\n    return batch.x\n"
    )
    before = torch.nn.functional.mse_loss
    try:
        outcome = mtrbench("run", "--model", tiny, "--attack", f"{path}:mine", "--out", tmp_path / "out")
    finally:
        torch.nn.functional.mse_loss = before
    assert_refused(outcome, "at_once.py", "changes torch.nn.functional.mse_loss")
    assert not (tmp_path / "out").exists()

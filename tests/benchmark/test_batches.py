"""Batches found by trial: as large as memory and throughput let them, and no number depends on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from helpers.clock import Clock
from torch import Tensor

from mtrbench import BadInputError
from mtrbench.api.resolver import LocalWorkshop, threat_ref
from mtrbench.benchmark import batches
from mtrbench.benchmark.batches import by_trial
from mtrbench.benchmark.jobs import measure_cell
from mtrbench.benchmark.measurement import Measurement
from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.protocol.errors import AttackError, out_of_memory
from mtrbench.benchmark.protocol.types import Attack, MultiTaskModel
from mtrbench.cli.run import run

MODEL, IMAGES = "rooms3-shared.clean", 16
LACKS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


@pytest.fixture(autouse=True)
def _nothing_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_found", {})


@pytest.mark.parametrize(
    ("room", "cost", "expected"),
    [
        (100, lambda size: 1, 32),  # whole batches cost as much as one image
        (5, lambda size: 1, 4),
        (0, lambda size: 1, 1),  # what there is to say is said by the work itself
        (100, lambda size: max(size, 4), 4),  # from four images on none is cheaper
    ],
)
def test_batches_are_doubled_until_memory_or_throughput_says_stop(
    room: int, cost: Callable[[int], float], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(batches, "time", clock)

    def step(size: int) -> None:
        if size > room:
            raise LACKS[0]
        clock.sleep(cost(size))

    assert by_trial(step, 32) == expected


def test_other_faults_end_the_trial() -> None:
    with pytest.raises(ZeroDivisionError):
        by_trial(lambda size: size // 0, 8)


@dataclass(frozen=True)
class Cramped(LocalWorkshop):
    """Attacks, and models too if `everywhere`, lack the memory for more than `room` images at once."""

    room: int
    lack: Exception
    everywhere: bool = False

    def attack(self, cell: Cell) -> Attack | None:
        attack = super().attack(cell)

        def cramped(model: MultiTaskModel, batch: Any, *rest: Any) -> Tensor:
            self.check(len(batch.ids))
            return attack(model, batch, *rest)

        return attack and cramped

    def model(self, model: Any) -> MultiTaskModel:
        found = super().model(model)
        if not self.everywhere:
            return found
        return MultiTaskModel(Checking(found.net, self), found.tasks).eval()

    def check(self, size: int) -> None:
        if size > self.room:
            raise self.lack


class Checking(torch.nn.Module):
    def __init__(self, net: torch.nn.Module, workshop: Cramped) -> None:
        super().__init__()
        self.net, self.workshop = net, workshop

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        self.workshop.check(len(x))
        return self.net(x)


def measured(workshop: LocalWorkshop, clean: bool = False) -> Measurement:
    cell = workshop.cell(MODEL, "rooms3", IMAGES, "dgba-pgd", threat_ref("linf", 4.0, None), 0, {"steps": 2})
    return measure_cell(workshop, cell.clean if clean else cell, (0, IMAGES))


def assert_same(one: Measurement, other: Measurement) -> None:
    for fact in ("ids", "forwards", "backwards", "tally"):
        assert getattr(one, fact) == getattr(other, fact)
    for first, second in ((one.statistics, other.statistics), (one.losses, other.losses)):
        assert first.keys() == second.keys()
        assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("lack", LACKS, ids=lambda lack: type(lack).__name__)
@pytest.mark.parametrize("everywhere", [False, True], ids=["attack", "everywhere"])
@pytest.mark.parametrize("clean", [False, True], ids=["attacked", "clean"])
def test_without_memory_batches_are_halved_and_no_number_changes(
    lack: Exception,
    everywhere: bool,
    clean: bool,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "by_trial", lambda step, most: most)  # memory was enough for the trial
    given = {MODEL: MODEL}, None, "cpu"
    expected = measured(LocalWorkshop(*given, batch_size=IMAGES), clean)
    caplog.clear()
    found = measured(Cramped(*given, "auto", 4, lack, everywhere), clean)
    assert_same(found, expected)
    halved = [16, 8] if everywhere or not clean else []
    said = [f"mtrbench: out of memory with {size} images at once; from here on {size // 2}" for size in halved]
    assert caplog.messages == said
    if halved:
        assert [*batches._found.values()] == [4]


def test_one_image_without_memory_is_a_fault_of_one_line() -> None:
    with pytest.raises(AttackError, match=r"^dgba-pgd on rooms3-shared.clean .*: out of memory; smaller batches"):
        measured(Cramped({MODEL: MODEL}, None, "cpu", "auto", 0, LACKS[0]))


def test_with_a_size_that_was_asked_for_nothing_is_halved() -> None:
    with pytest.raises(AttackError, match="out of memory"):
        measured(Cramped({MODEL: MODEL}, None, "cpu", 8, 3, LACKS[0]))


def test_lack_of_memory_is_told_from_other_faults_through_what_wraps_it() -> None:
    wrapped = BadInputError("a: it failed")
    wrapped.__cause__ = LACKS[0]
    assert out_of_memory(wrapped)
    assert not out_of_memory(ValueError("a memory of something"))
    assert not out_of_memory(None)


def test_a_run_takes_auto_and_refuses_what_is_no_size(tmp_path: Path) -> None:
    options = ["quick", "--model", MODEL, "--attack", "total-fgsm", "--images", "4", "--workers", "1"]
    done = CliRunner().invoke(run, [*options, "--batch", "auto", "--json", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.stderr
    for size in ("0", "most", "1.5"):
        assert CliRunner().invoke(run, [*options, "--batch", size]).exit_code == 2

"""An attack from outside runs in a process of its own: to the same digits, and whatever becomes of it there."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.planted_attacks import process
from helpers.toys import curved_model
from helpers.work import ToyWorkshop, toy_cell
from torch import Tensor

from mtrbench import load_attack, load_model
from mtrbench.attacks.conformance.toys import middle_batch
from mtrbench.benchmark.child import Limits
from mtrbench.benchmark.engines.processes import Processes
from mtrbench.benchmark.engines.serial import Serial
from mtrbench.benchmark.evaluation import evaluate_cells, pending
from mtrbench.benchmark.harness import measure
from mtrbench.benchmark.measurement import Measurement
from mtrbench.benchmark.protocol.cells import AttackRef, Cell
from mtrbench.benchmark.protocol.errors import AttackError
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Attack, Batch, MultiTaskModel
from mtrbench.benchmark.store import Store
from mtrbench.benchmark.victim import shown

THREAT = ThreatModel("linf", 0.1)
Made = Callable[[MultiTaskModel, Batch, ThreatModel, Noise], object]


def attacked(
    attack: object, *batches: Batch, limits: Limits | None = None, threat: ThreatModel = THREAT
) -> Measurement:
    return measure(curved_model(), batches or (middle_batch(),), attack, threat, Noise(), "cheat on toy", limits=limits)


@pytest.mark.parametrize("targets", [None, ("b",)])
@pytest.mark.parametrize("name", ["dgba-pgd", "signsum-fgsm", "square[queries=20]", "uap", "noise"])
def test_there_and_here_make_the_same_numbers(name: str, targets: tuple[str, ...] | None) -> None:
    threat = replace(THREAT, targets=targets)
    here, there = (
        attacked(load_attack(name), middle_batch(5), middle_batch(1, seed=1), limits=limits, threat=threat)
        for limits in (None, Limits())
    )
    assert here.ids == there.ids
    assert (here.forwards, here.backwards, here.tally) == (there.forwards, there.backwards, there.tally)
    for task in here.losses:
        assert np.array_equal(here.losses[task], there.losses[task])
        assert np.array_equal(here.statistics[task], there.statistics[task])


def dies(what: Callable[[], object]) -> Made:
    def attack(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> object:
        return what()

    return attack


def fails() -> None:
    raise KeyError("depth\nand more")


def closes() -> None:
    os.closerange(3, 100)
    time.sleep(600)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (fails, "KeyError: 'depth\\nand more' (test_apart.py, line"),
        (lambda: sys.exit(0), "the attack calls exit(0)"),
        (lambda: os._exit(3), "the attack ended its process, with exit code 3, instead of giving an answer"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "was killed by SIGSEGV"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was killed by SIGKILL (out of memory?)"),
        (lambda: torch.ones(10**9), "out of memory; smaller batches need less"),
        (lambda: time.sleep(600), "the attack gave no answer within 1 s; allow it more by --limit-seconds"),
        (closes, "the attack closed its connection and gave no answer"),
        (lambda: None, "the attack returned NoneType, not (4, 3, 6, 5) torch.float32"),
        (lambda: torch.zeros(2, dtype=torch.bfloat16), "the attack returned (2,) torch.bfloat16, not"),
    ],
    ids=["exception", "exit", "_exit", "crash", "kill", "memory", "silence", "closed", "nothing", "no-numbers"],
)
def test_every_way_to_die_is_one_line(
    what: Callable[[], object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtrbench.benchmark.child.PATIENCE", 0.5)
    silent = "gave no answer within" in message
    with pytest.raises(AttackError) as caught:
        attacked(dies(what), limits=Limits(seconds=1 if silent else 60, memory_mb=500))
    assert str(caught.value).startswith("cheat on toy: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_process_that_shares_no_memory_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mtrbench.benchmark.apart.forks", lambda device: False)  # as beside a GPU, and on macOS
    with pytest.raises(AttackError, match=r"^cheat on toy: the attack calls exit\(0\)$"):
        attacked(process.exits(), limits=Limits())
    here, there = (attacked(load_attack("dgba-pgd"), limits=limits) for limits in (None, Limits()))
    assert np.array_equal(here.losses["a"], there.losses["a"])


FILE = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Lighten:
    version = 1
    def __call__(self, model, batch, threat, noise):
        return threat.project(batch.x, batch.x + threat.eps)
"""


def test_nor_do_files_that_attacks_are_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mtrbench.benchmark.apart.forks", lambda device: False)
    (tmp_path / "mine.py").write_text(FILE)
    attack = load_attack(f"{tmp_path / 'mine.py'}:Lighten")
    here, there = (attacked(attack, limits=limits) for limits in (None, Limits()))
    assert np.array_equal(here.losses["a"], there.losses["a"])


def test_what_it_prints_is_no_line_of_ours(capfd: pytest.CaptureFixture[str]) -> None:
    def chatty(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        print("from Python")
        os.write(1, b"from C\n")
        return batch.x

    attacked(chatty, limits=Limits())
    out, err = capfd.readouterr()
    assert out == ""
    assert "from Python" in err
    assert "from C" in err


def test_what_it_does_to_its_process_touches_no_other() -> None:
    expected = attacked(load_attack("noise"))
    before = torch.nn.functional.l1_loss

    def vandal(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        torch.nn.functional.l1_loss = lambda *_: 0
        batch.x.zero_()
        return batch.x

    with pytest.raises(AttackError, match=r"cheat on toy: the attack changed torch.nn.functional.l1_loss"):
        attacked(vandal, limits=Limits())
    assert torch.nn.functional.l1_loss is before
    assert np.array_equal(attacked(load_attack("noise")).losses["a"], expected.losses["a"])


def test_only_what_it_may_see_is_there() -> None:
    def spy(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        found = [*model.tasks, *model(batch.x), *model.net(batch.x), *batch.truth, *model.losses(batch)]
        raise ValueError(" ".join(found))

    with pytest.raises(AttackError, match="ValueError: b b b b b "):
        attacked(spy, limits=Limits(), threat=replace(THREAT, targets=("b",)))
    model = load_model("rooms3-independent.clean")
    less = shown(model, ("depth",))
    assert {name for name, _ in less.named_parameters()} < {name for name, _ in model.named_parameters()}
    assert not any("normals" in name or "segmentation" in name for name, _ in less.named_modules())
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(less(x)["depth"], model(x)["depth"])
    assert [*shown(model, ("depth",)).net(x)] == ["depth"]
    assert shown(model, tuple(model.tasks)) is model


def round_the_model(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
    """Calls the network's parts one by one, and never the model."""
    x = batch.x.clone().requires_grad_()
    for _ in range(3):
        hidden = x
        for part in model.net:
            hidden = part(hidden)
        torch.autograd.grad(sum(value.sum() for value in hidden.values()), x)
    return batch.x


def test_passes_are_counted_inside_the_network() -> None:
    found = attacked(round_the_model, middle_batch(4), middle_batch(3), limits=Limits())
    assert (found.forwards, found.backwards) == (21, 21)


@dataclass(frozen=True)
class WithFaults(ToyWorkshop):
    """Some of its attacks are not of this package."""

    def attack(self, cell: Cell) -> Attack | None:
        if cell.attack and cell.attack.name == "broken":
            return dies(lambda: sys.exit(0))
        return super().attack(cell)


@pytest.mark.parametrize("engine", [Serial(), Processes(1)], ids=["serial", "processes"])
def test_a_cell_whose_attack_fails_leaves_the_others_as_they_are(engine: Serial | Processes, tmp_path: Path) -> None:
    ref = AttackRef(name="broken", version="1", settings={}, code="0" * 64)
    broken = toy_cell().model_copy(update={"attack": ref})
    cells = [toy_cell("total-pgd"), broken, toy_cell("noise")]
    found = {}
    for name, wanted in {"with": cells, "without": [cells[0], cells[2]]}.items():
        workshop, store = WithFaults(tmp_path / f"{name}.log"), Store(tmp_path / name)
        its = engine if name == "with" else Serial()
        steps = [*evaluate_cells(wanted, workshop, store, its, pending(wanted, workshop, store))]
        found[name] = {step.record.key: step.record for step in steps if step.record}
        faults = {step.fault for step in steps if step.fault}
        assert faults == ({"broken on toy (eps 4/255): the attack calls exit(0)"} if name == "with" else set())
        assert sum(step.images for step in steps) == 70 * (len(wanted) + 1)  # the clean pass too; noise is the control
        assert not [*(store.root / "shards").glob(f"{broken.key}/*")]
        assert len(found[name]) == 2
    assert found["with"].keys() == found["without"].keys()
    for key, record in found["with"].items():
        assert record.degradation == found["without"][key].degradation


def test_no_process_stays_behind() -> None:
    end, held = os.pipe()

    def spawns(model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Tensor:
        if os.fork() == 0:
            time.sleep(600)
        return batch.x

    attacked(spawns, limits=Limits())
    os.close(held)
    ended, _, _ = select.select([end], [], [], 60)  # readable once nobody holds the other end any more
    assert ended
    assert os.read(end, 1) == b""
    os.close(end)

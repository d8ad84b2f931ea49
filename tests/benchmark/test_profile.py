"""The profile of a run: every second is some part's, and results are those of a run without one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from helpers.clock import Clock
from helpers.work import ToyWorkshop, toy_cell

from mtrbench import load_attack
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.benchmark.engines import Serial
from mtrbench.benchmark.engines.processes import Processes
from mtrbench.benchmark.engines.profiled import profiled
from mtrbench.benchmark.harness import measure
from mtrbench.benchmark.jobs import measure_cell
from mtrbench.benchmark.protocol import stopwatch
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.stopwatch import (
    ATTACK,
    BACKWARD,
    DATA,
    FORWARD,
    HARNESS,
    MODELS,
    PARTS,
    PROGRAMS,
    SCORING,
    part,
    stopped,
)
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.cli.run import run


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stopwatch, "time", clock)
    return clock


def test_every_moment_is_the_innermost_parts(clock: Clock) -> None:
    with stopped() as seconds:
        clock.sleep(1)
        with part(ATTACK):
            clock.sleep(10)
            with part(PROGRAMS):
                clock.sleep(100)
            clock.sleep(1000)
    assert seconds == {**dict.fromkeys(PARTS, 0), HARNESS: 1, ATTACK: 1010, PROGRAMS: 100}


class Slow(torch.autograd.Function):
    """The identity, which takes a second on its way forwards, and three backwards."""

    @staticmethod
    def forward(ctx, x, clock):  # type: ignore[no-untyped-def]
        ctx.clock = clock
        clock.sleep(1)
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        ctx.clock.sleep(3)
        return gradient, None


def test_passes_through_the_network_and_scoring_are_told_apart(clock: Clock) -> None:
    model = linear_model()
    plain = model.net.forward
    model.net.forward = lambda x: plain(Slow.apply(x, clock))
    attack = load_attack("total-pgd", steps=2)
    with stopped() as seconds:
        measure(model, [middle_batch()], attack, ThreatModel("linf", 0.1), Noise())
    # In the harness's time copy and original have answered.
    assert seconds == {**dict.fromkeys(PARTS, 0), FORWARD: 2, BACKWARD: 6, SCORING: 1, HARNESS: 2}


@pytest.mark.parametrize("engine", [Serial(), Processes(1)], ids=repr)
def test_what_is_profiled_is_the_same_and_all_jobs_are_counted(engine: Serial | Processes, tmp_path: Path) -> None:
    workshop, cell = ToyWorkshop(tmp_path / "log"), toy_cell("dgba-pgd", images=4)
    job = Measured(workshop, cell)
    spent: dict[str, float] = {}
    found = dict(profiled(engine, spent).run(job, [(0, 2), (2, 4)]))
    assert found == {span: job(span) for span in found}
    assert min(spent[name] for name in (FORWARD, BACKWARD, PROGRAMS, ATTACK, SCORING, DATA, MODELS, HARNESS)) > 0


class Measured:
    """The losses under attack of a stretch of a cell's samples."""

    def __init__(self, workshop: ToyWorkshop, cell: object) -> None:
        self.workshop, self.cell = workshop, cell

    def __call__(self, span: tuple[int, int]) -> list[float]:
        return measure_cell(self.workshop, self.cell, span).losses["a"].tolist()


def test_a_run_says_what_its_time_went_to(tmp_path: Path) -> None:
    options = ["--model", "rooms3-shared.clean", "--attack", "total-fgsm", "--images", "2", "--workers", "1"]
    done = CliRunner().invoke(run, ["quick", *options, "--profile", "--json", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.endswith("%")]
    assert [line[:20].strip() for line in lines[-len(PARTS) :]] == [*PARTS]

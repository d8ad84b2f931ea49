"""The profile of a run: every second is some part's, and results are those of a run without one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from helpers.work import ToyWorkshop, toy_cell

from mtrbench import load_attack
from mtrbench.attacks.conformance.toys import linear_model, middle_batch
from mtrbench.benchmark.engines import Serial
from mtrbench.benchmark.engines.processes import Processes
from mtrbench.benchmark.engines.profiled import Profiled
from mtrbench.benchmark.evaluation import measure_cell
from mtrbench.benchmark.harness import measure
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

NAP = 0.05


def test_every_moment_is_the_innermost_parts() -> None:
    start = time.perf_counter()
    with stopped() as seconds:
        time.sleep(NAP)
        with part(ATTACK):
            time.sleep(NAP)
            with part(PROGRAMS):
                time.sleep(NAP)
            time.sleep(NAP)
    took = time.perf_counter() - start
    assert set(seconds) == set(PARTS)
    assert seconds[ATTACK] >= 2 * NAP
    assert min(seconds[HARNESS], seconds[PROGRAMS]) >= NAP
    assert NAP * 4 <= sum(seconds.values()) <= took


class Slow(torch.autograd.Function):
    """The identity, which naps on its way forwards, and three times as long backwards."""

    @staticmethod
    def forward(ctx, x):  # type: ignore[no-untyped-def]
        time.sleep(NAP)
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        time.sleep(3 * NAP)
        return gradient


def test_passes_through_the_network_and_scoring_are_told_apart() -> None:
    model = linear_model()
    plain = model.net.forward
    model.net.forward = lambda x: plain(Slow.apply(x))
    steps, attack = 2, load_attack("total-pgd", steps=2)
    with stopped() as seconds:
        measure(model, [middle_batch()], attack, ThreatModel("linf", 0.1), Noise())
    assert seconds[FORWARD] >= steps * NAP
    assert seconds[BACKWARD] >= 3 * steps * NAP
    assert seconds[SCORING] >= NAP
    assert seconds[HARNESS] >= 2 * NAP  # copy and original have answered
    assert seconds[ATTACK] < NAP


@pytest.mark.parametrize("engine", [Serial(), Processes(1)], ids=repr)
def test_what_is_profiled_is_the_same_and_all_jobs_are_counted(engine: Serial | Processes, tmp_path: Path) -> None:
    workshop, cell = ToyWorkshop(tmp_path / "log"), toy_cell("dgba-pgd", images=4)
    job = Measured(workshop, cell)
    spent: dict[str, float] = {}
    found = dict(Profiled(engine, spent).run(job, [(0, 2), (2, 4)]))
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

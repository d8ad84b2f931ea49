"""Cells on a real Ray cluster of two nodes come to what one process makes of them, whatever dies on the way."""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers.clusters import NODE, Deadly, DeadlyWorkshop, Takes
from helpers.commands import assert_refused, mtrbench
from helpers.work import Scribe, ToyWorkshop, toy_cell

from mtrbench import BadInputError
from mtrbench.benchmark import parcels
from mtrbench.benchmark.engines import Engine, Serial, Wanted, make_engine
from mtrbench.benchmark.evaluation import evaluate_cells, pending, with_clean
from mtrbench.benchmark.jobs import Workshop
from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.store import Store

RAY = "ray"
FILE = """
import os
from dataclasses import dataclass

@dataclass(frozen=True)
class Lighten:
    version = 1
    def __call__(self, model, batch, threat, noise):
        return threat.project(batch.x, batch.x + threat.eps)

@dataclass(frozen=True)
class Leaves:
    version = 1
    def __call__(self, model, batch, threat, noise):
        os._exit(7)
"""


def two() -> Engine:
    return make_engine(RAY, Wanted(2))


def contents(cells: list[Cell], workshop: Workshop, store: Store, engine: Engine) -> list[dict[str, Any]]:
    """What records say but for costs that depend on the machine, in the cells' order, each made once."""
    steps = [*evaluate_cells(cells, workshop, store, engine, pending(cells, workshop, store))]
    made = [step.record.key for step in steps if step.record]
    assert sorted(made) == sorted(cell.key for cell in cells)
    assert [step.fault for step in steps if step.fault] == []
    found = [record.model_dump(mode="json") for cell in cells for record in [store.record(cell)] if record]
    for record in found:
        for machine in ("seconds", "peak_memory_mb"):
            record.get("costs", {}).pop(machine, None)
    return found


@pytest.mark.usefixtures("ray_cluster")
class TestCluster:
    def test_survives_a_killed_worker_and_a_lost_node(self, ray_cluster: Any, tmp_path: Path) -> None:
        import ray

        cells = with_clean([toy_cell(name) for name in ("total-pgd", "total-fgsm", "signsum-fgsm", "uap")])
        (tmp_path / "here").touch()
        serial = DeadlyWorkshop(tmp_path / "log", mark=tmp_path / "here")
        expected = contents(cells, serial, Store(tmp_path / "serial"), Serial())
        spread = DeadlyWorkshop(tmp_path / "log", mark=tmp_path / "there")
        assert contents(cells, spread, Store(tmp_path / "ray"), two()) == expected
        assert (tmp_path / "there").exists()

        lost = ray_cluster.add_node(num_cpus=1, **NODE)
        jobs, seen = range(60), []
        with closing(make_engine(RAY, Wanted(3)).run(Takes(0.05), jobs)) as done:
            for job, (square, _) in done:
                seen.append((job, square))
                if len(seen) == 20:
                    ray_cluster.remove_node(lost)
        assert sorted(seen) == [(job, job * job) for job in jobs]
        assert len([node for node in ray.nodes() if node["Alive"]]) == 2

    def test_gives_up_a_job_that_kills_every_worker(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr("mtrbench.benchmark.engines.ray.TRIES", 1)
        with pytest.raises(BadInputError, match=r"1 workers died at one job .* what was done is kept"):
            list(two().run(lambda job: Deadly().strike() if job else job, range(2)))

    def test_stops_all_its_work_when_closed(self, tmp_path: Path) -> None:
        import ray

        with closing(two().run(Scribe(tmp_path, bad=1), [0, 3, 4])) as jobs:
            assert next(jobs) == (0, None)
        end = time.monotonic() + 60
        while ray.available_resources().get("CPU") != 2:
            assert time.monotonic() < end, "workers go on"
            time.sleep(0.05)

    def test_refuses_workers_of_other_code(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(parcels, "code_sha256", lambda: "0" * 64)
        cells, workshop, store = [toy_cell(images=8)], ToyWorkshop(tmp_path / "log"), Store(tmp_path / "out")
        with pytest.raises(BadInputError, match="has other code of mtrbench than this machine; install the same"):
            list(evaluate_cells(cells, workshop, store, two(), pending(cells, workshop, store)))
        assert not store.root.exists()

    def test_serves_the_command_with_attacks_of_files_apart(self, tiny: Path, tmp_path: Path) -> None:
        file = tmp_path / "mine.py"
        file.write_text(FILE)
        what = ("run", "quick", "--model", tiny, "--attack", "total-fgsm", "--images", 40, "--json")
        engines = {"serial": (), RAY: ("--attack", f"{file}:Leaves", "--address", "auto")}
        found = {}
        for engine, more in engines.items():
            place = tmp_path / engine
            outcome = mtrbench(*what, "--attack", f"{file}:Lighten", *more, "--engine", engine, "--out", place)
            found[engine] = json.loads(outcome.out)
            for row in found[engine]:
                del row["costs"]["seconds"], row["costs"]["peak_memory_mb"]
        assert found[RAY] == found["serial"]
        assert len(found[RAY]) == 2
        assert "the attack ended its process, with exit code 7" in outcome.err
        assert outcome.code == 2


class TestOptions:
    def test_without_ray_one_line_says_which_extra(self, monkeypatch: pytest.MonkeyPatch, out: Path) -> None:
        monkeypatch.delitem(sys.modules, "mtrbench.benchmark.engines.ray", raising=False)
        monkeypatch.setitem(sys.modules, "ray", None)
        outcome = mtrbench("run", "quick", "--engine", RAY, "--out", out)
        assert_refused(outcome, "the engine ray needs ray: pip install 'mtrbench[ray]'")
        assert not out.exists()

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            (("--engine", "processes", "--address", "auto"), "--address auto is for --engine ray, not processes"),
            (("--workers", 1, "--gpus-per-worker", 1), "--gpus-per-worker 1.0 is for --engine ray, not serial"),
            (("--engine", "serial", "--cpus-per-worker", 2), "--cpus-per-worker 2.0 is for --engine ray, not serial"),
        ],
    )
    def test_of_a_cluster_are_refused_elsewhere(self, options: tuple[object, ...], reason: str, out: Path) -> None:
        assert_refused(mtrbench("run", "quick", *options, "--out", out), reason)

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            (("--gpus-per-worker", 1), "workers compute on the CPU; say --device cuda, too"),
            (("--device", "cuda"), "workers on Ray get no GPU without --gpus-per-worker"),
        ],
    )
    def test_of_devices_must_fit(self, options: tuple[object, ...], reason: str, out: Path) -> None:
        pytest.importorskip("ray", reason="needs the extra: pip install 'mtrbench[ray]'")
        assert_refused(mtrbench("run", "quick", "--engine", RAY, *options, "--out", out), reason)

    @pytest.mark.usefixtures("ray_cluster")
    def test_more_than_a_machine_has_is_refused(self) -> None:
        reason = "a worker needs 64 CPUs and 0 GPUs, and the cluster's machines have 1 CPUs and 0 GPUs;"
        with pytest.raises(BadInputError, match=reason):
            list(make_engine(RAY, Wanted(2, cpus=64)).run(abs, [1]))

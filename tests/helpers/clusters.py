"""Real Ray clusters of several nodes on this machine, and work that shows what becomes of it there."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.work import ToyWorkshop
from mtrbench import load_attack
from mtrbench.benchmark.protocol.cells import Cell
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.tensors import Images
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Attack, Batch, MultiTaskModel

NODE = {
    "object_store_memory": 80 * 2**20,
    "include_dashboard": False,
    "env_vars": {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "RAY_worker_niceness": "0"},
}
"""What a node takes beside its CPUs; its workers find the modules of the tests."""


@contextmanager
def running_cluster(*cpus: int) -> Iterator[Any]:
    """A cluster with a node for each of `cpus`, to which this process is connected."""
    import ray
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": cpus[0], **NODE})
    try:
        for count in cpus[1:]:
            cluster.add_node(num_cpus=count, **NODE)
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


@dataclass(frozen=True)
class Takes:
    """A cell of a known length in seconds; leaves a line in `log` when it is done."""

    seconds: float
    log: Path | None = None

    def __call__(self, job: int) -> tuple[int, int]:
        time.sleep(self.seconds)
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(f"{job}\n")
        return job * job, os.getpid()


@dataclass(frozen=True)
class Deadly:
    """Kills the process that it runs in, the first time alone if there is a place for a `mark`."""

    mark: Path | None = None

    def __call__(self, model: MultiTaskModel, batch: Batch, threat: ThreatModel, noise: Noise) -> Images:
        self.strike()
        return load_attack("total-fgsm")(model, batch, threat, noise)

    def strike(self) -> None:
        if self.mark is None or not self.mark.exists():
            if self.mark is not None:
                self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class DeadlyWorkshop(ToyWorkshop):
    """Toys, but that `total-fgsm` kills its worker once, unless `mark` is there."""

    mark: Path | None = None

    def attack(self, cell: Cell) -> Attack | None:
        if cell.attack is not None and cell.attack.name == "total-fgsm":
            return Deadly(self.mark)
        return super().attack(cell)

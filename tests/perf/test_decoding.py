"""What images on disk cost a job: decoded in it, ahead of it, and from memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.nyuv2_files import write_npy, write_png
from helpers.timing import times_as_long
from pytest_benchmark.fixture import BenchmarkFixture

from mtrbench import load_attack, load_dataset
from mtrbench.benchmark.datasets.ahead import Ahead, decoded_ahead
from mtrbench.benchmark.harness import in_batches
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.stopwatch import DATA, stopped
from mtrbench.benchmark.protocol.tasks.registry import make_tasks
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.types import Dataset, MultiTaskModel
from mtrbench.models.nets.resnet34_deeplab import resnet34_deeplab

TASKS = make_tasks({"segmentation": {"classes": 40}, "depth": {}, "normals": {}})
SIZE, JOB, JOBS = (120, 160), 32, 4


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight rooms again and again, as files of NYUv2."""
    folder = tmp_path_factory.mktemp("rooms")
    rooms = load_dataset("rooms3", make_tasks({"segmentation": {}, "depth": {}, "normals": {}}), images=8, size=SIZE)
    batch = rooms.batch(range(8))
    for number in range(JOBS * JOB):
        x, normals = (tensor[number % 8].permute(1, 2, 0).numpy() for tensor in (batch.x, batch.truth["normals"]))
        write_png(folder / f"img/{number:04d}.png", np.rint(x * 255).astype(np.uint8))
        write_png(folder / f"normal_mask/{number:04d}.png", np.rint((normals + 1) * 127.5).astype(np.uint8))
        write_png(folder / f"seg/{number:04d}.png", batch.truth["segmentation"][number % 8].numpy().astype(np.uint8))
        write_npy(folder / f"depth/{number:04d}.npy", batch.truth["depth"][number % 8, 0].numpy())
    return folder


def test_from_memory_is_cheaper_than_from_files(root: Path, benchmark: BenchmarkFixture) -> None:
    dataset = load_dataset("nyuv2", TASKS, root=root, size=SIZE, images=JOB)
    kept = Ahead(dataset, 1)
    ratio = times_as_long(benchmark, lambda: kept.batch(range(JOB)), lambda: dataset.batch(range(JOB)), rounds=5)
    print(f"\n32 images of {SIZE} from memory / decoded: {ratio:.3f}")
    assert ratio < 0.5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("size", [SIZE, (321, 321)])
def test_what_a_job_on_a_gpu_waits_for_its_images(root: Path, size: tuple[int, int], capsys) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    model = MultiTaskModel(resnet34_deeplab(TASKS, [" ".join(TASKS)] * 5), TASKS).cuda().eval().requires_grad_(False)
    device = torch.device("cuda")
    plain = load_dataset("nyuv2", TASKS, root=root, size=size)
    waits = {}
    jobs(model, plain, [0])  # the first takes longer
    for workers in (0, 1, 2, 4, 8):
        dataset = decoded_ahead(plain, device, workers)
        for turn in ("first", "again"):
            wait, whole = jobs(model, dataset, range(JOBS))
            waits[workers, turn] = wait
            with capsys.disabled():
                print(f"\n{size}, --decode-workers {workers}, {turn}: a job waits {wait:.3f} of {whole:.3f} s", end="")
    assert waits[4, "again"] < 0.5 * waits[0, "again"]


def jobs(model: MultiTaskModel, dataset: Dataset, numbers: Iterable[int]) -> tuple[float, float]:
    """What a job waits for data and takes in all, in seconds: ten steps of `total-pgd` on 32 images."""
    attack, count = load_attack("total-pgd", steps=10), 0
    with stopped() as seconds:
        for number in numbers:
            for batch in in_batches(dataset, range(number * JOB, (number + 1) * JOB), JOB, "cuda"):
                attack(model, batch, ThreatModel("linf", 4 / 255), Noise())
            count += 1
    return seconds[DATA] / count, sum(seconds.values()) / count

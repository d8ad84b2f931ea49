"""Samples decoded ahead: the same batches, each sample decoded once, faults and processes as without."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from helpers.commands import finish, mtrbench, python
from helpers.nyuv2_files import tasks, write_samples
from helpers.nyuv2_formats import FORMATS, SIZE, TEST, truth_of, write_every_format
from helpers.work import Points
from hypothesis import given
from hypothesis import strategies as st

from mtrbench import evaluate, load_dataset
from mtrbench.benchmark.child import Limits, told_apart
from mtrbench.benchmark.datasets import ahead
from mtrbench.benchmark.datasets.ahead import MOST, Ahead, decoded_ahead
from mtrbench.benchmark.datasets.nyuv2 import nyuv2
from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.reading import read_records
from mtrbench.benchmark.protocol.types import Batch, Dataset
from mtrbench.benchmark.store import Store
from mtrbench.cli.run import run

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Watched:
    """A data set that says which samples are decoded, before and after."""

    dataset: Dataset
    before: Callable[[int], object] = lambda index: None
    decoded: list[int] = field(default_factory=list)
    name = "watched"
    sha256 = "1" * 64

    @property
    def ids(self) -> tuple[str, ...]:
        return self.dataset.ids

    def batch(self, indices: Sequence[int]) -> Batch:
        for index in indices:
            self.before(index)
        found = self.dataset.batch(indices)
        self.decoded.extend(indices)
        return found


def assert_same(found: Batch, expected: Batch) -> None:
    assert found.ids == expected.ids
    assert found.truth.keys() == expected.truth.keys()
    for one, other in [(found.x, expected.x), *((found.truth[name], expected.truth[name]) for name in found.truth)]:
        assert (one.dtype, one.shape, one.stride()) == (other.dtype, other.shape, other.stride())
        assert torch.equal(one, other)


POINTS = Points(7)
SAMPLE = sum(tensor.nbytes for tensor in (POINTS.batch([0]).x, *POINTS.batch([0]).truth.values()))


@given(
    asked=st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=9), min_size=1, max_size=5),
    room=st.integers(0, 8 * SAMPLE),
    workers=st.integers(1, 3),
)
def test_batches_are_the_same_in_any_order_with_any_room(asked: list[list[int]], room: int, workers: int) -> None:
    wrapped = Ahead(POINTS, workers, room)
    for indices in asked:
        assert_same(wrapped.batch(indices), POINTS.batch(indices))
    wrapped.settle()
    assert len(wrapped._kept) * SAMPLE <= room


@pytest.mark.parametrize("size", [SIZE, (17, 9)])
def test_every_format_is_read_by_several_threads_as_by_one(tmp_path: Path, size: tuple[int, int]) -> None:
    for name, root in write_every_format(tmp_path).items():
        dataset = nyuv2(tasks(*truth_of(name), classes=13), root, size)
        wrapped = decoded_ahead(dataset, CPU, 3)
        assert isinstance(wrapped, Ahead), name
        assert (wrapped.name, wrapped.sha256, wrapped.ids) == (dataset.name, dataset.sha256, dataset.ids)
        for indices in ([1], range(TEST), [2, 0, 2]):
            assert_same(wrapped.batch(indices), dataset.batch(indices))


def test_what_fits_is_decoded_once_and_what_comes_next_before_it_is_asked_for() -> None:
    dataset = Watched(Points(100))
    wrapped = Ahead(dataset, 2, 100 * SAMPLE)
    wrapped.batch(range(90, 95))
    wrapped.settle()
    assert sorted(dataset.decoded) == [*range(27), *range(90, 100)]  # the next 32, from the first on after the last
    for _ in range(3):
        for first in range(0, 100, 7):
            wrapped.batch(range(first, min(first + 7, 100)))
    wrapped.settle()
    assert sorted(dataset.decoded) == [*range(100)]


def test_what_was_used_last_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "NEXT", 0)
    dataset = Watched(POINTS)
    wrapped = Ahead(dataset, 1, 2 * SAMPLE)
    for index in (0, 1, 0, 2, 0, 1):
        wrapped.batch([index])
    assert dataset.decoded == [0, 1, 2, 1]


def test_who_changes_a_batch_changes_no_other() -> None:
    wrapped = Ahead(POINTS, 1)
    batch = wrapped.batch([3])
    for tensor in (batch.x, *batch.truth.values()):
        tensor.zero_()
    assert_same(wrapped.batch([3]), POINTS.batch([3]))


def test_a_broken_file_is_the_same_line_from_the_batches_that_need_it(tmp_path: Path) -> None:
    dataset = nyuv2(tasks(), write_samples(tmp_path), (12, 16))
    wrapped = Ahead(dataset, 2)
    path = tmp_path / "img" / "0061.png"
    sound = path.read_bytes()
    path.write_bytes(sound[:-30])
    assert_same(wrapped.batch([0]), dataset.batch([0]))
    wrapped.settle()  # the broken one has been tried
    for indices in ([2, 1], [1]):
        with pytest.raises(BadInputError) as expected:
            dataset.batch(indices)
        with pytest.raises(BadInputError) as found:
            wrapped.batch(indices)
        assert str(found.value) == str(expected.value) == f"{path} cannot be read as a PNG image"
        assert_same(wrapped.batch([2]), dataset.batch([2]))
    path.write_bytes(sound)
    assert_same(wrapped.batch([1]), dataset.batch([1]))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes begin as copies on Linux alone")
def test_a_copy_of_the_process_finds_no_thread_at_work_and_decodes_for_itself() -> None:
    dataset = Watched(Points(12), before=lambda index: time.sleep(0.01))
    wrapped = Ahead(dataset, 2)
    wrapped.batch([0])

    def look() -> dict[str, Any]:
        idle = len(dataset.decoded)
        wrapped.batch([5, 6])
        return {"idle": idle, "then": dataset.decoded[idle:]}

    assert told_apart(look, "model a", Limits(seconds=30)) == {"idle": 12, "then": [5, 6]}
    assert_same(wrapped.batch([5, 6]), Points(12).batch([5, 6]))
    assert len(dataset.decoded) == 12


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to send")
def test_ctrl_c_while_a_batch_is_waited_for_leaves_it_to_be_asked_for_again() -> None:
    heard = Event()

    def interrupt(index: int) -> None:
        if not heard.is_set():
            os.kill(os.getpid(), signal.SIGINT)
            heard.wait()

    wrapped = Ahead(Watched(POINTS, before=interrupt), 1)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it may be ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            wrapped.batch([0])
    finally:
        signal.signal(signal.SIGINT, before)
    heard.set()
    assert_same(wrapped.batch([0, 1]), POINTS.batch([0, 1]))


@pytest.mark.parametrize("end", ["", "raise KeyboardInterrupt", "import sys; sys.exit(3)"])
def test_a_process_ends_while_samples_wait_to_be_decoded(end: str, tmp_path: Path) -> None:
    root = write_samples(tmp_path)
    code = f"""
import pathlib, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from helpers.nyuv2_files import tasks
from mtrbench.benchmark.datasets.ahead import Ahead
from mtrbench.benchmark.datasets.nyuv2 import nyuv2
print(len(Ahead(nyuv2(tasks(), pathlib.Path({str(root)!r}), (300, 400)), 2).batch([0]).ids))
{end}
"""
    done = finish(python("-c", code))
    assert done.out == "1\n"
    assert done.code == {"": 0, "raise KeyboardInterrupt": -signal.SIGINT}.get(end, 3)
    assert ("KeyboardInterrupt" in done.err) if "Interrupt" in end else not done.err


def test_only_what_lies_on_disk_is_wrapped_and_by_default_for_a_gpu_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, drawn = nyuv2(tasks(), write_samples(tmp_path), (12, 16)), load_dataset("rooms3", {})
    assert decoded_ahead(dataset, CPU) is decoded_ahead(dataset, CPU, 0) is dataset
    assert decoded_ahead(drawn, CPU, 2) is drawn
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {*range(3)}, raising=False)
    gpu = torch.device("cuda")
    assert (decoded_ahead(dataset, gpu).workers, decoded_ahead(dataset, gpu).pinned) == (3, True)
    assert (decoded_ahead(dataset, CPU, 2).workers, decoded_ahead(dataset, CPU, 2).pinned) == (2, False)
    assert decoded_ahead(dataset, gpu, 0) is dataset
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {*range(64)}, raising=False)
    assert decoded_ahead(dataset, gpu).workers == MOST


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_for_a_gpu_batches_lie_in_pinned_memory_and_are_the_same() -> None:
    batch = Ahead(POINTS, 2, pinned=True).batch([4, 1])
    assert all(tensor.is_pinned() for tensor in (batch.x, *batch.truth.values()))
    assert_same(batch, POINTS.batch([4, 1]))
    assert_same(batch.to(torch.device("cuda")).to(CPU), POINTS.batch([4, 1]))


@pytest.mark.parametrize(("device", "later"), [("cuda", True), ("cuda:1", True), ("cpu", False), ("mps", False)])
def test_nobody_waits_for_a_copy_to_a_gpu_and_everybody_for_one_from_it(device: str, later: bool) -> None:
    asked: list[tuple[torch.device, bool]] = []
    tensor: Any = SimpleNamespace(to=lambda device, non_blocking: asked.append((device, non_blocking)))
    Batch(tensor, {"a": tensor}, ("x",)).to(torch.device(device))
    assert asked == [(torch.device(device), later)] * 2


def test_a_run_comes_to_the_same_numbers(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, read, plain = tmp_path / "nyuv2", [], Ahead.batch
    FORMATS["adashare"](data)
    monkeypatch.setattr(Ahead, "batch", lambda self, indices: read.append(indices) or plain(self, indices))
    options = ["--model", tiny, "--attack", "total-fgsm", "--dataset", "nyuv2", "--data-root", data, "--batch", 2]
    found = []
    for workers in (0, 2):
        assert not read
        place = tmp_path / str(workers)
        outcome = mtrbench("run", *options, "--workers", 1, "--decode-workers", workers, "--out", place)
        assert outcome.code == 0, outcome.err
        found.append({record.key: record.results() for record in read_records(Store(place).records)})
    assert read
    assert found[0]
    assert found[0] == found[1]


@pytest.mark.parametrize("value", ["-1", "many", "1.5"])
def test_what_is_no_number_of_threads_is_refused(value: str) -> None:
    refused = CliRunner().invoke(run, ["quick", "--decode-workers", value])
    assert refused.exit_code == 2
    assert "'--decode-workers'" in refused.stderr
    with pytest.raises(BadInputError, match=r"^decode_workers must be (a whole number|at least 0), not "):
        evaluate("rooms3-shared.clean", "noise", decode_workers=-1 if value == "-1" else value)

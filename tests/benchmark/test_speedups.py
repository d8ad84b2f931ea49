"""Speed-ups change what attacks see, and how fast: never what scores them, and never in silence."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.commands import assert_refused, mtrbench
from torch import Tensor, nn

from mtrbench import MultiTaskModel, evaluate, load_attack, load_dataset, load_model
from mtrbench.benchmark import speedups
from mtrbench.benchmark.child import Limits
from mtrbench.benchmark.harness import measure
from mtrbench.benchmark.measurement import Measurement
from mtrbench.benchmark.protocol.noise import Noise
from mtrbench.benchmark.protocol.reading import read_records
from mtrbench.benchmark.protocol.threat import ThreatModel
from mtrbench.benchmark.protocol.weights import Watch
from mtrbench.benchmark.speedups import COMPILE, SPEEDUPS, products

THREAT = ThreatModel("linf", 4 / 255)
COMPILES = pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler")
NAMES = [pytest.param((name,), marks=[COMPILES] if name == COMPILE else [], id=name) for name in SPEEDUPS]
TOGETHER = tuple(name for name in SPEEDUPS if name != COMPILE)

model = load_model("rooms3-branch3.clean")
batch = load_dataset("rooms3", model.tasks, images=4).batch(range(4))


class Own(nn.Module):
    """A network whose code is a stranger's."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return model.net(x)  # type: ignore[no-any-return]


def attacked(speedups: Sequence[str], limits: Limits | None = None) -> tuple[Measurement, Tensor]:
    """What total-pgd does, and the images that it makes."""
    kept: list[Tensor] = []
    attack = load_attack("total-pgd", steps=3)
    found = measure(
        model,
        [batch],
        attack,
        THREAT,
        Noise(),
        limits=limits,
        keep=lambda ids, x: kept.append(x),
        speedups=tuple(speedups),
    )
    return found, kept[0]


@pytest.mark.parametrize("speedups", [*NAMES, TOGETHER])
def test_what_scores_is_the_model_itself(speedups: tuple[str, ...]) -> None:
    watch = Watch(model)
    found, x = attacked(speedups)
    exact, _ = attacked(())
    with torch.no_grad():
        losses = model.losses(batch.at(x))
    for task, loss in losses.items():
        assert np.array_equal(found.losses[task], loss.double().numpy())
        assert found.losses[task].mean() == pytest.approx(exact.losses[task].mean(), rel=0.05)
    assert watch.is_kept()
    assert (found.forwards, found.backwards) == (exact.forwards, exact.backwards)
    assert x.is_contiguous()


def test_fewer_bits_make_other_images() -> None:
    assert not torch.equal(attacked(["autocast"])[1], attacked(())[1])


def test_an_attack_from_outside_has_them_too() -> None:
    here, there = attacked(TOGETHER), attacked((*TOGETHER, COMPILE), Limits())
    assert torch.equal(here[1], there[1])
    assert (here[0].forwards, here[0].backwards) == (there[0].forwards, there[0].backwards)


def precisions() -> list[object]:
    """All that PyTorch says of the precision of products and convolutions; None where ways to say it disagree."""

    def said(read: Callable[[], object]) -> object:
        try:
            return read()
        except RuntimeError:
            return None

    kinds = [said(lambda kind=kind: kind.fp32_precision) for kind in speedups._kinds()]  # type: ignore[misc]
    return [said(torch.get_float32_matmul_precision), said(lambda: torch.backends.cudnn.allow_tf32), *kinds]


def say_by_kind(precision: str) -> None:
    for kind in speedups._kinds():
        kind.fp32_precision = precision


@pytest.mark.parametrize(
    "say",
    [
        lambda: None,
        lambda: torch.set_float32_matmul_precision("high"),
        lambda: torch.set_float32_matmul_precision("medium"),
        lambda: setattr(torch.backends.cudnn, "allow_tf32", True),
        lambda: say_by_kind("tf32"),
        lambda: say_by_kind("ieee"),
    ],
)
def test_a_gpu_computes_in_float32_unless_told_otherwise(say: Callable[[], object]) -> None:
    kinds = len(speedups._kinds())
    exact, fast = ["highest", False, *["ieee"] * kinds], ["high", True, *["tf32"] * kinds]
    with products():  # which sets back what the test says
        say()
        before = precisions()
        with products():
            assert precisions() == exact
            with products(["tf32"]):
                assert precisions() == fast
            assert precisions() == exact
        assert all(then in (None, now) for then, now in zip(before, precisions(), strict=True))


@pytest.mark.parametrize("say", [lambda: torch.set_float32_matmul_precision("high"), lambda: say_by_kind("tf32")])
def test_a_model_of_ones_own_is_measured_whatever_pytorch_was_told(say: Callable[[], object]) -> None:
    with products():
        say()
        record = evaluate(MultiTaskModel(Own(), model.tasks).eval(), "noise", "rooms3", images=2)
    assert record.complete


def test_what_cannot_compile_is_refused_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch, out: Path) -> None:
    def fails(function: object) -> None:
        raise RuntimeError("no compiler Set TORCHDYNAMO_VERBOSE=1")

    monkeypatch.setattr(torch, "compile", fails)
    command = "run", "quick", "--attack", "noise", "--out", out
    assert_refused(mtrbench(*command, "--speed-up", COMPILE), "--speed-up compile needs", "no compiler")
    assert not out.exists()


def test_attacks_from_outside_are_not_compiled(tiny: Path, out: Path) -> None:
    attack = "helpers.planted_attacks.samples:WearsOut"
    command = "run", "--model", tiny, "--attack", attack, "--images", 1, "--out", out, "--speed-up", COMPILE
    assert_refused(mtrbench(*command), "--speed-up compile is not for attacks from outside", "WearsOut")


def test_the_documentation_says_what_the_command_does() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scale.md").read_text()
    assert all(f"| `{name}` | {what} |" in page for name, what in SPEEDUPS.items())


def test_a_record_says_so_and_its_store_takes_no_other(tiny: Path, out: Path) -> None:
    command = "run", "--model", tiny, "--attack", "total-pgd", "--images", 2, "--workers", 1, "--out", out
    done = mtrbench(*command, "--speed-up", "autocast", "--speed-up", "tf32")
    assert done.code == 0
    assert "sped up" in (out / "boards" / "models.md").read_text()
    attacked, clean = sorted(read_records(out / "records"), key=lambda record: record.cell.attack is None)
    assert attacked.environment.speedups == ("tf32", "autocast")
    assert clean.environment.speedups == ()
    for record in out.glob("records/*.json"):
        record.unlink()
    again = mtrbench(*command)
    assert again.code == 2
    assert "was measured on cpu with tf32, autocast before, and now is on cpu; choose another --out" in again.err


def test_a_store_made_in_another_way_is_refused_before_anything_is_measured(tiny: Path, out: Path) -> None:
    command = "run", "--model", tiny, "--attack", "total-pgd", "--images", 2, "--workers", 1, "--out", out
    assert mtrbench(*command, "--speed-up", "tf32").code == 0
    for record in out.glob("records/*.json"):
        if read_records(record)[0].cell.attack:
            record.unlink()
            (shard,) = out.glob(f"shards/{record.stem}/*.npz")
            shard.unlink()
    left = sorted(out.glob("shards/*/*.npz"))
    assert left
    assert_refused(mtrbench(*command), "was measured on cpu with tf32 before, and now is on cpu")
    assert sorted(out.glob("shards/*/*.npz")) == left

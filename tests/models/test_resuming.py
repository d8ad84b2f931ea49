"""A training that was interrupted, or goes on from the clean steps of another, ends in the same bytes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import torch
from helpers.commands import assert_refused
from helpers.trainings import ADVERSARY, SIX, VALIDATED, logged, train
from helpers.trap import Trap
from torch import nn

from mtrbench import BadInputError, Task
from mtrbench.models.card import read_card
from mtrbench.models.nets.compact import compact
from mtrbench.models.training import loop, scenes
from mtrbench.models.training.checkpoint import Checkpoint
from mtrbench.models.training.log import Log
from mtrbench.models.training.recipe import read_recipe

DGBA = """
[adversary]
attack = "dgba-pgd"
eps = 4.0
share = 0.5
settings = { steps = 1, solver = "closed-form" }
"""


def dropping(tasks: Mapping[str, Task], layout: Sequence[str], width: int) -> nn.Module:
    """The compact network behind dropout, which draws from torch's own random numbers."""
    return nn.Sequential(nn.Dropout(0.1), compact(tasks, layout, width))


WITH_DROPOUT = SIX.replace("mtrbench.models.nets.compact:compact", "test_resuming:dropping")


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A folder where six steps of training were stopped after five, by a signal."""

    def stop(text: str, number: int = signal.SIGINT) -> Path:
        write = Log.write

        def write_and_stop(self: Log, values: Mapping[str, int | float]) -> None:
            write(self, values)
            if values["step"] == 5:
                os.kill(os.getpid(), number)

        with monkeypatch.context() as patch:
            patch.setattr(Log, "write", write_and_stop)
            outcome = train(tmp_path / "stopped", text)
        assert outcome.code == 128 + number
        assert "Traceback" not in outcome.err
        return tmp_path / "stopped"

    return stop


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param(WITH_DROPOUT, signal.SIGINT, id="clean"),
        pytest.param(SIX + ADVERSARY, signal.SIGTERM, id="adversarial"),
        pytest.param(VALIDATED + DGBA, signal.SIGINT, id="dgba, validated"),
    ],
)
def test_an_interrupted_training_goes_on_to_the_same_bytes(
    tmp_path: Path, stopped: Callable[..., Path], text: str, number: int
) -> None:
    folder, whole = stopped(text, number), tmp_path / "whole"
    assert [row["step"] for row in logged(folder)] == ["1", "2", "3", "4", "5"]
    assert (folder / "checkpoints" / "six.pt").is_file()
    assert not list((folder / "six").iterdir())
    for out in (folder, whole):
        outcome = train(out, text)
        assert outcome.code == 0, outcome.err
        assert not list((out / "checkpoints").glob("*"))
    contents = [(out / "six" / "weights.safetensors").read_bytes() for out in (folder, whole)]
    assert contents[0] == contents[1]
    assert logged(folder) == logged(whole)
    best = [read_card(out / "six" / "card.toml").training.best_step for out in (folder, whole)]
    assert best[0] == best[1]


@pytest.mark.usefixtures("few_images")
def test_what_comes_before_the_adversary_is_trained_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    step = loop._step
    monkeypatch.setattr(loop, "_step", lambda *args: steps.append(step(*args)))
    late = VALIDATED + ADVERSARY.replace("share = 0.5", "share = 0.5\nstart = 4")
    alone, together = {}, {}
    for text in (late, late.replace("total-pgd", "dgba-pgd"), VALIDATED):
        for found, folder in ((alone, tmp_path / str(len(alone))), (together, tmp_path / "together")):
            steps.clear()
            outcome = train(folder, text)
            assert outcome.code == 0, outcome.err
            assert len(steps) == (2 if found is together and together else 6)
            found[text] = (folder / "six" / "weights.safetensors").read_bytes()
            best = read_card(folder / "six" / "card.toml").training.best_step
            assert best == 6 if text != VALIDATED else best in (2, 4, 6)
    assert alone == together
    assert len({*alone.values()}) == 3
    steps.clear()
    assert train(tmp_path / "together", late.replace("seed = 0", "seed = 1")).code == 0
    assert len(steps) == 6
    # No row is taken over from the log of that training, whose clean steps were others.
    assert train(tmp_path / "together", late).code == 0
    assert [row["step"] for row in logged(tmp_path / "together")] == ["5", "6"]
    steps.clear()
    monkeypatch.setattr(scenes, "_digest", lambda _: "those of another renderer")
    assert train(tmp_path / "together", late).code == 0
    assert len(steps) == 6


@pytest.mark.usefixtures("few_images")
def test_an_adversary_that_joins_earlier_begins_anew(tmp_path: Path) -> None:
    late, early = (VALIDATED + ADVERSARY.replace("share = 0.5", f"share = 0.5\nstart = {start}") for start in (4, 2))
    contents = []
    for folder, before in ((tmp_path / "alone", ()), (tmp_path / "together", (late,))):
        for text in (*before, early):
            assert train(folder, text).code == 0
        contents.append((folder / "six" / "weights.safetensors").read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.usefixtures("few_images")
def test_a_checkpoint_of_another_recipe_is_refused(stopped: Callable[..., Path]) -> None:
    folder = stopped(SIX)
    origin = read_recipe(folder / "recipe.toml")[1]
    assert_refused(
        train(folder, SIX.replace("seed = 0", "seed = 1")),
        "six.pt is of another recipe; remove it to train from the start",
    )
    Checkpoint(folder / "checkpoints" / "six.pt", origin).write({"step": 3})
    assert_refused(train(folder, SIX), "six.pt does not fit", "remove it to train from the start")


def test_a_broken_checkpoint_is_refused_and_code_in_it_never_run(tmp_path: Path) -> None:
    checkpoint, trap = Checkpoint(tmp_path / "a.pt", "a"), tmp_path / "trap"
    assert checkpoint.read() is None
    state = {"step": 3, "running": {"depth": 0.5}, "weights": torch.arange(5.0), "best": None}
    checkpoint.write(state)
    found = checkpoint.read()
    assert found is not None
    assert torch.equal(found.pop("weights"), state.pop("weights"))
    assert found == state
    whole = checkpoint.path.read_bytes()
    torch.save({"origin": "a", "state": Trap(trap)}, checkpoint.path)
    for content in (checkpoint.path.read_bytes(), whole[:-20], b"", b"no checkpoint"):
        checkpoint.path.write_bytes(content)
        with pytest.raises(BadInputError, match=r"a\.pt cannot be read; remove it to train from the start"):
            checkpoint.read()
    assert not trap.exists()

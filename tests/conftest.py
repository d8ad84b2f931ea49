"""What several files of tests share."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from commands import mtrbench

from mtrbench import load_dataset

RECIPE = """
name = "{name}"
dataset = "rooms3"
size = [16, 16]
licence = "MIT"
seed = 0
scenes = 32
steps = {steps}
batch = 8
learning_rate = 3e-2
weight_decay = 1e-2
clip = 5.0
ema = 0.8
precision = "float32"

[tasks]
segmentation = {{ classes = 13 }}
depth = {{}}
normals = {{}}

[task_weights]
segmentation = 1.0
depth = 1.0
normals = 3.0

[architecture]
entry = "mtrbench.models.nets.compact:compact"
layout = [
    "segmentation depth normals",
    "segmentation depth normals",
    "segmentation depth | normals",
    "segmentation depth | normals",
    "segmentation | depth | normals",
]
settings = {{ width = 4 }}
"""

ADVERSARY = """
[adversary]
attack = "total-pgd"
eps = 4.0
share = 0.5
settings = { steps = 1 }
"""


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    # As in every job; small tensors and busy machines make more threads slower, too.
    torch.set_num_threads(1)


def train(folder: Path, name: str, steps: int, more: str = "") -> Path:
    """The card of a model trained by the real command."""
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.format(name=name, steps=steps) + more)
    outcome = mtrbench("train", recipe, "--out", folder, "--workers", 0)
    assert outcome.code == 0, outcome.err
    return folder / "cards" / f"{name}.toml"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "out"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of a model of the rooms at 16 x 16 that has learned enough for every score to be defined."""
    return train(tmp_path_factory.mktemp("tiny"), "tiny", steps=40)


@pytest.fixture(scope="session")
def tiny_adversarial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of a tiny model under adversarial training, a few steps of it."""
    return train(tmp_path_factory.mktemp("tiny-at"), "tiny-at", steps=12, more=ADVERSARY)


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards with clean scores on two images: the evaluation split takes longer than tiny trainings."""
    monkeypatch.setattr("mtrbench.cli.train.load_dataset", partial(load_dataset, images=2))

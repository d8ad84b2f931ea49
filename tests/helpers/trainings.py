"""Short trainings by the real command."""

from __future__ import annotations

import csv
from pathlib import Path

from helpers.commands import Outcome, mtrbench

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


SIX = RECIPE.format(name="six", steps=6)
VALIDATED = SIX.replace("steps = 6\n", "steps = 6\nvalidation = 3\nvalidate_every = 2\n")


def train(folder: Path, name: str, steps: int, more: str = "") -> Path:
    """The card of a model trained by the real command."""
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.format(name=name, steps=steps) + more)
    outcome = mtrbench("train", recipe, "--out", folder, "--workers", 0)
    assert outcome.code == 0, outcome.err
    return folder / name / "card.toml"


def train_six(folder: Path, text: str) -> Outcome:
    folder.mkdir(exist_ok=True)
    (folder / "six.toml").write_text(text)
    return mtrbench("train", folder / "six.toml", "--out", folder, "--workers", 0, "--checkpoint-every", 2)


def logged(folder: Path) -> list[dict[str, str]]:
    """The rows of the log without what differs from run to run."""
    with (folder / "logs" / "six.csv").open() as file:
        rows = list(csv.DictReader(file))
    seconds = [float(row.pop("seconds")) for row in rows]
    assert seconds == sorted(seconds)
    return rows

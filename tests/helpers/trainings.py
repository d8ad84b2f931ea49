"""Short trainings by the real command."""

from __future__ import annotations

import csv
import tomllib
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


def recipe(name: str, steps: int) -> str:
    """The text of a recipe for the compact network, 16 x 16, of so many steps."""
    return RECIPE.format(name=name, steps=steps)


SIX = recipe("six", steps=6)
VALIDATED = SIX.replace("steps = 6\n", "steps = 6\nvalidation = 3\nvalidate_every = 2\n")


def train(folder: Path, text: str, *options: object) -> Outcome:
    """`mtrbench train` on a recipe of this text; the recipe and all that comes of it lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "recipe.toml"
    path.write_text(text)
    return mtrbench("train", path, "--out", folder, "--workers", 0, "--checkpoint-every", 2, *options)


def trained(folder: Path, text: str, *options: object) -> Path:
    """The card of what `train` makes."""
    outcome = train(folder, text, *options)
    assert outcome.code == 0, outcome.err
    return folder / tomllib.loads(text)["name"] / "card.toml"


def logged(folder: Path) -> list[dict[str, str]]:
    """The rows of the log without what differs from run to run."""
    with (folder / "logs" / "six.csv").open() as file:
        rows = list(csv.DictReader(file))
    seconds = [float(row.pop("seconds")) for row in rows]
    assert seconds == sorted(seconds)
    return rows

"""Trainings of six steps by the real command."""

from __future__ import annotations

import csv
from pathlib import Path

from commands import Outcome, mtrbench
from conftest import RECIPE

SIX = RECIPE.format(name="six", steps=6)
VALIDATED = SIX.replace("steps = 6\n", "steps = 6\nvalidation = 3\nvalidate_every = 2\n")


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

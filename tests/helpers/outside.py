"""One of everything, as strangers write it: a file each, and none of it knows of the others but by name."""

from __future__ import annotations

import json
from pathlib import Path

from helpers.commands import Outcome, finish, python

FILES = {
    "nudge": '''
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Nudge:
    """Makes every image brighter by what the budget allows."""

    version: ClassVar[int] = 1
    black_box: ClassVar[bool] = True
    share: float = 1.0

    def __call__(self, model, batch, threat, noise):
        return threat.project(batch.x, batch.x + self.share * threat.eps * threat.ascend(batch.x + 1))
''',
    "halves": '''
from dataclasses import dataclass
from typing import ClassVar
import torch

@dataclass(frozen=True)
class Halves:
    """Steps along half of the sum of the gradients."""

    version: ClassVar[int] = 1
    share: float = 0.5

    def fields(self, at):
        total = sum(loss.sum() for loss in at.losses.values())
        return self.share * torch.autograd.grad(total, at.x)[0].unsqueeze(0)

    def direction(self, fields, threat):
        return threat.ascend(fields[0])
''',
    "dash": '''
from dataclasses import dataclass
from typing import ClassVar
from mtrbench.attacks.ascent import Ascent
from mtrbench.attacks.balancing.base import Balancing

@dataclass(frozen=True)
class Dash:
    """Two steps of half the budget."""

    version: ClassVar[int] = 1
    balancing: Balancing
    steps: int = 2

    def __call__(self, model, batch, threat, noise):
        ascent, x = Ascent(self.balancing, model, batch, noise, threat), batch.x
        for _ in range(self.steps):
            step = threat.eps / self.steps * self.balancing.direction(ascent.fields(x), threat)
            x = threat.project(batch.x, x + step)
        return ascent.finish(x)
''',
    "squares": """
def squared(prediction, truth):
    return (prediction - truth).square().flatten(1).mean(dim=1)

SQUARES = {"brightness": squared}
""",
    "brightness": '''
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
import torch
from mtrbench.benchmark.protocol.metrics import Metric

@dataclass(frozen=True)
class Brightness:
    """How bright an image is, as one number."""

    kind: ClassVar[str] = "brightness"
    version: ClassVar[int] = 1
    prediction_shape: ClassVar[tuple] = (1,)
    truth_shape: ClassVar[tuple] = (1,)
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("off", "cd", False),)

    @staticmethod
    def valid(truth):
        return truth.isfinite()

    def loss(self, prediction, truth):
        return (prediction - truth).abs().mean(dim=1)

    def statistics(self, prediction, truth):
        error = self.loss(prediction, truth).double()
        return torch.stack([torch.ones_like(error), error], dim=1)

    def scores(self, total):
        return {"off": total[..., 1] / total[..., 0]}
''',
    "patches": '''
import hashlib
from dataclasses import dataclass
import torch
from mtrbench.benchmark.protocol.types import Batch

@dataclass(frozen=True)
class Patches:
    """Grey patches, and how bright they are."""

    tasks: tuple
    count: int
    size: tuple
    name = "patches"

    @property
    def ids(self):
        return tuple(f"patch-{i}" for i in range(self.count))

    @property
    def sha256(self):
        return hashlib.sha256(f"patches {self.size} 1".encode()).hexdigest()

    def batch(self, indices):
        grey = torch.tensor([0.3 + 0.4 * i / 8 for i in indices]).view(-1, 1, 1, 1)
        x = grey.expand(-1, 3, *self.size).contiguous()
        truth = {task: 0.9 * grey.flatten(1) for task in self.tasks}
        return Batch(x, truth, tuple(self.ids[i] for i in indices))

def patches(tasks, root=None, size=(64, 64), images=None):
    return Patches(tuple(tasks), images or 8, size)
''',
    "dimmer": """
import mtrbench
from torch import nn

class Dimmer(nn.Module):
    def forward(self, images):
        return {"level": images.mean(dim=(1, 2, 3)).unsqueeze(1), "glow": images.amax(dim=(1, 2, 3)).unsqueeze(1)}

def dimmer():
    return mtrbench.wrap(Dimmer(), {"level": {"task": "<tasks>"}, "glow": {"task": "<tasks>"}})
""",
    "plan": """
PLAN = {
    "dataset": "<datasets>",
    "images": 4,
    "eps": [8.0],
    "models": ["<models>"],
    "attacks": [
        "noise", "<attacks>", "<balancings>-pgd", "<balancings>-<optimizers>", "total-pgd@<losses>"
    ],
}
""",
}
OBJECTS = {
    "attacks": "nudge:Nudge",
    "balancings": "halves:Halves",
    "optimizers": "dash:Dash",
    "losses": "squares:SQUARES",
    "tasks": "brightness:Brightness",
    "datasets": "patches:patches",
    "models": "dimmer:dimmer",
    "suites": "plan:PLAN",
}
"""By what `mtrbench list` calls them, in which file they are."""


def write(folder: Path, names: dict[str, str]) -> None:
    """The files, in which the model and the suite call everything by these names."""
    for name, content in FILES.items():
        for kind, called in names.items():
            content = content.replace(f"<{kind}>", called)
        (folder / f"{name}.py").write_text(content)


def install(folder: Path, package: str, points: dict[str, str]) -> None:
    """What pip leaves beside a package's files: its entry points, by the kinds of `OBJECTS`."""
    info = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("".join(f"[mtrbench.{kind}]\n{line}\n" for kind, line in points.items()))


def commands(folder: Path, *lines: str, path: Path | None = None) -> list[Outcome]:
    """What the command lines print and exit with, one after the other in a process of their own, begun in `folder`.

    As a console script it does not search the working directory; `path` is searched, as installed packages are.
    """
    outcome = finish(python("-c", SEVERAL, Path(__file__).parent.parent, folder, *lines, path=path))
    assert outcome.code == 0, outcome.err
    return [Outcome(*parts) for parts in json.loads(outcome.out)]


SEVERAL = """
import dataclasses, json, os, shlex, sys
tests, folder, *lines = sys.argv[1:]
sys.path[:] = [tests, *(path for path in sys.path if path)]
os.chdir(folder)
from helpers.commands import mtrbench
print(json.dumps([dataclasses.astuple(mtrbench(*shlex.split(line))) for line in lines]))
"""

"""Cards of models that are not trained, and examinations that take less time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from helpers.planted_cards import IMAGES, LAYOUT, TASKS
from helpers.planted_models import (
    SIZE,
    Sound,
    TwoChannels,
)

from mtrbench import load_dataset
from mtrbench.api import masking, model_checks
from mtrbench.api.masking import SIGNS, not_beaten_by
from mtrbench.benchmark.harness import measure
from mtrbench.benchmark.protocol.tasks.registry import make_task
from mtrbench.leaderboards.analysis.flags import BLACK_BOX_BEATS
from mtrbench.models.building import build
from mtrbench.models.card import Architecture
from mtrbench.models.fingerprint import fingerprint
from mtrbench.models.packing import packed, unpack


@pytest.fixture
def card_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes the card of an untrained model of `planted_models`, with the scores of `Sound` on a few images."""
    monkeypatch.setattr(model_checks, "load_dataset", partial(load_dataset, images=IMAGES))

    def write(entry: type[Sound], **changes: Any) -> Path:
        tasks = {name: make_task(name, **settings) for name, settings in TASKS.items()}
        data = load_dataset("rooms3", tasks, size=SIZE, images=IMAGES)
        models = {}
        for kind in (Sound, entry):
            models[kind] = build(Architecture(entry=f"{kind.__module__}:{kind.__name__}", layout=LAYOUT), tasks)
            content = packed(models[kind])
            unpack(models[kind], content)
            models[kind].eval()
        clean = measure(models[Sound], [data.batch(range(IMAGES))])
        scores = {
            name: {metric: float(value) for metric, value in task.scores(clean.statistics[name].sum(axis=0)).items()}
            for name, task in tasks.items()
        }
        card = {
            "name": "planted",
            "dataset": "rooms3",
            "size": SIZE,
            "licence": "MIT",
            "tasks": TASKS,
            "architecture": {"entry": f"{entry.__module__}:{entry.__name__}", "layout": LAYOUT},
            "weights": {"file": "weights.safetensors", "sha256": hashlib.sha256(content).hexdigest()},
            "training": {
                "recipe": "none.toml",
                "recipe_sha256": "0" * 64,
                "steps": 0,
                "seed": 0,
                "scenes": 0,
                "seconds": 0.0,
                "hardware": "none",
                "versions": {},
            },
            "clean": {"images": IMAGES, "tolerance": 0.05, "scores": scores},
            "fingerprint": fingerprint(models[Sound if entry is TwoChannels else entry], SIZE),
            **changes,
        }
        (tmp_path / "planted").mkdir(exist_ok=True)
        (tmp_path / "planted" / "weights.safetensors").write_bytes(content)
        path = tmp_path / "planted" / "card.toml"
        path.write_text(tomli_w.dumps(card))
        return path

    return write


@pytest.fixture
def _weak_attacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attacks take most of the time that an examination takes, and can flag, and not fail."""
    for steps in ("STEPS", "MANY_STEPS"):
        monkeypatch.setattr(masking, steps, 2)
    cheap = {"white-box-beats-black": not_beaten_by("square", BLACK_BOX_BEATS, queries=5)}
    monkeypatch.setattr(model_checks, "SIGNS", {**SIGNS, **cheap})


@pytest.fixture
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies of the process take most of the rest; that there are such is what test_planted_models.py is about."""
    monkeypatch.setattr(model_checks, "forks", lambda device: False)

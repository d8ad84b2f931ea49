"""Small networks of every backbone, with any layout."""

from __future__ import annotations

from typing import Any

import pytest

from mtrbench.benchmark.protocol.tasks.registry import make_task
from mtrbench.models.card import Architecture

TASKS = {name: make_task(name) for name in ("segmentation", "depth", "normals")}
SHARED, HALF, APART = "segmentation depth normals", "segmentation | depth normals", "segmentation | depth | normals"
ENTRIES: dict[str, dict[str, Any]] = {
    "compact": {"width": 4},
    "resnet34_deeplab": {"width": 4},
    "mobilenetv2": {"width_multiplier": 0.25},
}
every_architecture = pytest.mark.parametrize("entry", ENTRIES)


def architecture(entry: str, *layout: str) -> Architecture:
    return Architecture(entry=f"mtrbench.models.nets.{entry}:{entry}", layout=list(layout), settings=ENTRIES[entry])

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
    "mobilenetv2_pyramid": {"width_multiplier": 0.25, "head_width": 8},
}
FILES = {"mobilenetv2_pyramid": "mobilenetv2"}
every_architecture = pytest.mark.parametrize("entry", ENTRIES)


def architecture(entry: str, *layout: str) -> Architecture:
    return Architecture(entry=path(entry), layout=list(layout), settings=ENTRIES[entry])


def path(entry: str) -> str:
    """Where the function called `entry` lies."""
    return f"mtrbench.models.nets.{FILES.get(entry, entry)}:{entry}"

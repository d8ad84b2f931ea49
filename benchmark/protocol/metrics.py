"""What every task is judged by: names, units and directions, without the code that computes them.

Boards need a metric's direction and must not load torch, so this stands apart from the tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Metric:
    """One number that a task is judged by; `unit` is "" for fractions in [0, 1]."""

    name: str
    unit: str
    higher_is_better: bool


METRICS: Mapping[str, tuple[Metric, ...]] = MappingProxyType(
    {
        "segmentation": (Metric("miou", "", True), Metric("pixel_accuracy", "", True)),
        "depth": (
            Metric("abs_err", "m", False),
            Metric("rel_err", "", False),
            *(Metric(f"delta{k}", "", True) for k in (1, 2, 3)),
        ),
        "normals": (
            Metric("angle_mean", "deg", False),
            Metric("angle_median", "deg", False),
            *(Metric(f"within_{limit}", "", True) for limit in (11.25, 22.5, 30)),
        ),
        "keypoints2d": (Metric("mae", "", False),),
        "edge_texture": (Metric("mae", "", False),),
    }
)
"""The metrics of every task by its name, the most telling one first."""

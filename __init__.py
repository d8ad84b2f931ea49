"""MTRBench: an adversarial-robustness benchmark for multi-task models.

The public names are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .benchmark.protocol.errors import BadInputError

if TYPE_CHECKING:
    from .api.evaluate import evaluate
    from .attacks.registry import load_attack
    from .benchmark.datasets.registry import load_dataset
    from .benchmark.protocol.metrics import Metric
    from .benchmark.protocol.noise import Noise
    from .benchmark.protocol.records import Record
    from .benchmark.protocol.tasks.base import Task
    from .benchmark.protocol.tasks.registry import make_task
    from .benchmark.protocol.threat import ThreatModel
    from .benchmark.protocol.types import Attack, Batch, MultiTaskModel
    from .models.registry import load_model
    from .models.wrap import wrap

__all__ = [
    "Attack",
    "BadInputError",
    "Batch",
    "Metric",
    "MultiTaskModel",
    "Noise",
    "Record",
    "Task",
    "ThreatModel",
    "evaluate",
    "load_attack",
    "load_dataset",
    "load_model",
    "make_task",
    "wrap",
]

_HOMES = {
    "Attack": "benchmark.protocol.types",
    "Batch": "benchmark.protocol.types",
    "Metric": "benchmark.protocol.metrics",
    "MultiTaskModel": "benchmark.protocol.types",
    "Noise": "benchmark.protocol.noise",
    "Record": "benchmark.protocol.records",
    "Task": "benchmark.protocol.tasks.base",
    "ThreatModel": "benchmark.protocol.threat",
    "evaluate": "api.evaluate",
    "load_attack": "attacks.registry",
    "load_dataset": "benchmark.datasets.registry",
    "load_model": "models.registry",
    "make_task": "benchmark.protocol.tasks.registry",
    "wrap": "models.wrap",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)

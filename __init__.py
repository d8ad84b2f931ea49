"""MTRBench: an adversarial-robustness benchmark for multi-task models.

The public names are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .benchmark.protocol.errors import BadInputError

if TYPE_CHECKING:
    from .api.attack_checks import examine_attack
    from .api.evaluate import evaluate
    from .api.frames import Records, records
    from .api.model_checks import examine_model
    from .api.robustness import assert_robust
    from .api.train import train
    from .attacks.ascent import Ascent
    from .attacks.balancing.base import Balancing, Finishing, Iterate, WithObjective, gradient_of_sum, gradients_apart
    from .attacks.registry import load_attack
    from .benchmark.datasets.kit import examine_dataset
    from .benchmark.datasets.registry import load_dataset
    from .benchmark.protocol.arguments import DataRoot
    from .benchmark.protocol.metrics import Metric
    from .benchmark.protocol.noise import Noise
    from .benchmark.protocol.per_sample import masked_mean, nan_if_broken, sum_of
    from .benchmark.protocol.records import CleanRecord, Record
    from .benchmark.protocol.tasks.base import Task
    from .benchmark.protocol.tasks.checks import check_shapes
    from .benchmark.protocol.tasks.kit import examine_task
    from .benchmark.protocol.tasks.registry import make_task
    from .benchmark.protocol.tasks.totals import ratio
    from .benchmark.protocol.threat import ThreatModel
    from .benchmark.protocol.types import Attack, Batch, Dataset, MultiTaskModel, SplitAttack
    from .models.registry import load_model
    from .models.wrap import wrap

__all__ = [
    "Ascent",
    "Attack",
    "BadInputError",
    "Balancing",
    "Batch",
    "CleanRecord",
    "DataRoot",
    "Dataset",
    "Finishing",
    "Iterate",
    "Metric",
    "MultiTaskModel",
    "Noise",
    "Record",
    "Records",
    "SplitAttack",
    "Task",
    "ThreatModel",
    "WithObjective",
    "assert_robust",
    "check_shapes",
    "evaluate",
    "examine_attack",
    "examine_dataset",
    "examine_model",
    "examine_task",
    "gradient_of_sum",
    "gradients_apart",
    "load_attack",
    "load_dataset",
    "load_model",
    "make_task",
    "masked_mean",
    "nan_if_broken",
    "ratio",
    "records",
    "sum_of",
    "train",
    "wrap",
]

_HOMES = {
    "Ascent": "attacks.ascent",
    "Attack": "benchmark.protocol.types",
    "Balancing": "attacks.balancing.base",
    "Batch": "benchmark.protocol.types",
    "CleanRecord": "benchmark.protocol.records",
    "DataRoot": "benchmark.protocol.arguments",
    "Dataset": "benchmark.protocol.types",
    "Finishing": "attacks.balancing.base",
    "Iterate": "attacks.balancing.base",
    "Metric": "benchmark.protocol.metrics",
    "MultiTaskModel": "benchmark.protocol.types",
    "Noise": "benchmark.protocol.noise",
    "Record": "benchmark.protocol.records",
    "Records": "api.frames",
    "SplitAttack": "benchmark.protocol.types",
    "Task": "benchmark.protocol.tasks.base",
    "ThreatModel": "benchmark.protocol.threat",
    "WithObjective": "attacks.balancing.base",
    "assert_robust": "api.robustness",
    "check_shapes": "benchmark.protocol.tasks.checks",
    "evaluate": "api.evaluate",
    "examine_attack": "api.attack_checks",
    "examine_dataset": "benchmark.datasets.kit",
    "examine_model": "api.model_checks",
    "examine_task": "benchmark.protocol.tasks.kit",
    "gradient_of_sum": "attacks.balancing.base",
    "gradients_apart": "attacks.balancing.base",
    "load_attack": "attacks.registry",
    "load_dataset": "benchmark.datasets.registry",
    "load_model": "models.registry",
    "make_task": "benchmark.protocol.tasks.registry",
    "masked_mean": "benchmark.protocol.per_sample",
    "nan_if_broken": "benchmark.protocol.per_sample",
    "ratio": "benchmark.protocol.tasks.totals",
    "records": "api.frames",
    "sum_of": "benchmark.protocol.per_sample",
    "train": "api.train",
    "wrap": "models.wrap",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*__all__]

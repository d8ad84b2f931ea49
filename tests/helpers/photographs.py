"""Where photographs lie that do not ship with the package: in folders that variables of the environment name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mtrbench.benchmark.datasets.disk.opening import Kept
from mtrbench.benchmark.datasets.registry import DATASETS


def nyuv2_samples() -> Path:
    """The folder with four genuine samples of NYUv2 at full size; skips the test where nobody names it."""
    return _named("MTRBENCH_NYUV2_SAMPLES", "genuine NYUv2 samples")


def ships(dataset: str) -> bool:
    """Whether the data set called so needs no folder."""
    return not isinstance(DATASETS.get(dataset), Kept)


def root_of(dataset: str) -> Path | None:
    """The folder with the whole of a data set, None for one that ships; skips the test where nobody names it."""
    return None if ships(dataset) else _named(f"MTRBENCH_{dataset.upper()}_ROOT", f"the whole of {dataset}")


def _named(variable: str, what: str) -> Path:
    if variable not in os.environ:
        pytest.skip(f"{variable} names no folder with {what}")
    return Path(os.environ[variable])

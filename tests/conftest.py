"""What several files of tests share."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from helpers.clusters import running_cluster
from helpers.shapes import check_shapes_everywhere
from helpers.trainings import ADVERSARY, recipe, trained

from mtrbench import load_dataset
from mtrbench.benchmark.engines import settle_process


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # So that no worker is left alone with one of them at the end.
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    # Modules and thousands of tests stay to the end; to look for garbage among them takes seconds every time.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _as_a_worker() -> None:
    # Small tensors and busy machines make more threads slower, too.
    settle_process()


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    # What the user's holds must not matter, nor change; processes that tests start look there, too.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTRBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _shapes() -> None:
    check_shapes_everywhere()


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Any]:
    """A Ray cluster of two nodes with a CPU each, to which the process is connected."""
    pytest.importorskip("ray", reason="needs the extra: pip install 'mtrbench[ray]'")
    with running_cluster(1, 1) as cluster:
        yield cluster


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "out"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of a model of the rooms at 16 x 16 that has learned enough for every score to be defined."""
    return trained(tmp_path_factory.mktemp("tiny"), recipe("tiny", steps=40))


@pytest.fixture(scope="session")
def tiny_adversarial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of a tiny model under adversarial training, a few steps of it."""
    return trained(tmp_path_factory.mktemp("tiny-at"), recipe("tiny-at", steps=12) + ADVERSARY)


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards with clean scores on two images: the evaluation split takes longer than tiny trainings."""
    monkeypatch.setattr("mtrbench.api.train.load_dataset", partial(load_dataset, images=2))

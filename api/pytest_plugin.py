"""What an installed mtrbench adds to pytest: the fixture `assert_robust`, and `--mtrbench-update`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

UPDATE = "--mtrbench-update"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option, and where the baseline lies."""
    group = parser.getgroup("mtrbench")
    group.addoption(UPDATE, action="store_true", help="write the baselines of assert_robust instead of comparing")
    parser.addini("mtrbench_baseline", "the baseline of the fixture assert_robust", default="robustness.json")


def pytest_configure(config: pytest.Config) -> None:
    """Refuses to let several processes write one file."""
    if config.getoption(UPDATE) and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError(f"{UPDATE} writes one file; leave out -n")


@pytest.fixture(autouse=True)
def _mtrbench_update(request: pytest.FixtureRequest) -> Iterator[None]:
    """Lets every `mtrbench.assert_robust` of the test know that it is to write."""
    if not request.config.getoption(UPDATE):
        yield  # a session that asks for nothing does not load anything of ours
        return
    from .robustness import UPDATING

    token = UPDATING.set(True)
    try:
        yield
    finally:
        UPDATING.reset(token)


@pytest.fixture
def assert_robust(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """`mtrbench.assert_robust` with the baseline of the ini option `mtrbench_baseline`, beside the ini file.

    All tests of a session share a store, so that a model's clean pass is measured once.
    """
    from .robustness import assert_robust as check

    root = request.config.rootpath
    store = tmp_path_factory.getbasetemp() / "mtrbench"
    return partial(check, baseline=root / request.config.getini("mtrbench_baseline"), store=store)

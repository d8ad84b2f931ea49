"""Processes of their own for code from outside."""

from __future__ import annotations

import sys

import pytest
import torch

from mtrbench.benchmark.child import Limits, told_apart

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes begin as copies on Linux alone")


def test_code_that_asks_for_threads_waits_for_none_of_the_parents() -> None:
    def asks() -> dict[str, object]:
        torch.set_num_threads(3)
        return {"sum": torch.ones(1_000_000).exp().sum().item(), "threads": torch.get_num_threads()}

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        expected = torch.ones(1_000_000).exp().sum().item()  # starts threads, which a copy does not have
        found = told_apart(asks, "model a", Limits(seconds=30))
    finally:
        torch.set_num_threads(before)
    assert found["threads"] == 3
    assert found["sum"] == pytest.approx(expected)

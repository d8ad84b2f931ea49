"""Bars on terminals, and in logs a line now and then."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
import tqdm.std

from mtrbench.benchmark.protocol import progress as module
from mtrbench.benchmark.protocol.progress import PERIOD, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(tqdm.std, "time", lambda: clock.now)
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: clock.now))
    return clock


def drawn(stream: io.StringIO, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, seconds: float) -> str:
    monkeypatch.setattr("sys.stderr", stream)
    with progress(total=10, unit="image") as bar:
        for _ in range(10):
            clock.now += seconds / 10
            bar.update()
        bar.refresh()
    return stream.getvalue()


def test_what_is_over_soon_leaves_no_line_in_a_log(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawn(io.StringIO(), clock, monkeypatch, PERIOD / 2) == ""


def test_what_takes_long_leaves_a_line_a_minute(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(io.StringIO(), clock, monkeypatch, 5 * PERIOD)
    assert "\r" not in text
    lines = text.splitlines()
    assert 4 <= len(lines) <= 7
    assert all("/10" in line for line in lines)
    assert "10/10" in lines[-1]


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_nobody_asked_for_it(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    with progress(total=1, disable=True) as bar:
        bar.update()
        bar.refresh()
    assert stream.getvalue() == ""


def test_on_a_terminal_it_is_a_bar(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(Terminal(), clock, monkeypatch, PERIOD / 2)
    assert text.count("\r") > 5
    assert text.count("\n") == 1

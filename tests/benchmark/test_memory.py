"""Peak memory is known on every platform, those without the standard module `resource` too."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
from helpers.commands import finish, python

from mtrbench import BadInputError
from mtrbench.benchmark.memory import peak_memory_mb


def psutil_with(**memory: int) -> ModuleType:
    module = ModuleType("psutil")
    module.Process = lambda: SimpleNamespace(memory_info=lambda: SimpleNamespace(**memory))  # type: ignore[attr-defined]
    return module


def test_grows_by_what_is_held() -> None:
    # A process begins with the peak of the one that started it, and must first need more than that.
    code = "import mtrbench.benchmark.memory as m; a = m.peak_memory_mb(); b = b'1' * (int(a + 64) << 20)"
    grown = float(finish(python("-c", f"{code}; print(m.peak_memory_mb() - a)")).out)
    assert 60 < grown < 100


@pytest.mark.parametrize(("memory", "expected"), [({"rss": 1, "peak_wset": 3 * 2**20}, 3.0), ({"rss": 2**21}, 2.0)])
def test_without_resource_psutil_says_it(
    monkeypatch: pytest.MonkeyPatch, memory: dict[str, int], expected: float
) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows
    monkeypatch.setitem(sys.modules, "psutil", psutil_with(**memory))
    assert peak_memory_mb() == expected


def test_without_both_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("resource", "psutil"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BadInputError, match="pip install psutil"):
        peak_memory_mb()


def test_nothing_imports_resource_that_a_platform_lacks() -> None:
    imports = "import mtrbench, mtrbench.cli.run, mtrbench.api.evaluate, mtrbench.api.train, mtrbench.cli.gallery"
    outcome = finish(python("-c", f"import sys; sys.modules['resource'] = None; {imports}; print('loaded')"))
    assert (outcome.code, outcome.out.strip(), outcome.err) == (0, "loaded", "")

"""Peak memory is known on every platform, those without the standard module `resource` too."""

from __future__ import annotations

import platform
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


FAULTS = """
import resource, torch
from mtrbench.benchmark.memory import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(keep_freed_memory(), faults(), faults(), keep_freed_memory(False), faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is freed stays with the process by glibc alone")
def test_freed_memory_is_used_again_without_asking_the_system() -> None:
    before, _, kept, between, given_back = finish(python("-c", FAULTS)).out.split()
    assert (before, between) == ("False", "True")
    assert int(kept) < 100 < 10_000 < int(given_back)  # 10 times 64 MiB have 163,840 pages of 4 KiB


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

"""Where a result was made."""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from .protocol.provenance import Environment

PACKAGES = ("mtrbench", "torch", "numpy", "ortools")
ROOMS = ("api", "attacks", "benchmark", "models")
"""Folders of the code that numbers depend on; boards and commands are made of records, and change none."""


@cache
def environment(device: str, speedups: tuple[str, ...] = ()) -> Environment:
    """Package versions, interpreter, platform, device, its hardware, speed-ups and, in a checkout, the commit."""
    return Environment(
        versions=versions(),
        python=platform.python_version(),
        platform=f"{platform.system()}-{platform.machine()}",
        device=device,
        commit=_commit(),
        hardware=_hardware(device),
        speedups=speedups,
    )


def versions() -> dict[str, str]:
    """The versions of the packages that numbers depend on."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def unlike(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """What two have other versions of, and those of either; None where one has none."""
    pairs = {name: (one.get(name), other.get(name)) for name in {**one, **other}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


@cache
def code_sha256() -> str:
    """Digest of the code of this package that numbers depend on."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(path for room in ROOMS for path in (root / room).rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _hardware(device: str) -> str | None:
    """The GPU, or the processor and the instructions that torch uses of it: another one rounds sums otherwise."""
    if torch.device(device).type == "cuda":
        found = torch.cuda.get_device_name(device)
    else:
        found = f"{_processor()} ({torch.backends.cpu.get_cpu_capability()})"
    return " ".join(re.sub(r"[^\w .,:()/-]", " ", found).split())[:200] or None


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")  # platform.processor() is empty on Linux
    except OSError:
        return platform.processor()
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return named[1] if named else platform.processor()


def _commit() -> str | None:
    """The commit of the checkout that this package runs from; `+` marks changed files; None outside a checkout."""
    folder = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(  # noqa: S603
            ("git", "-C", str(folder), *arguments),  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    try:
        # An installed package may lie below somebody else's checkout.
        if Path(git("rev-parse", "--show-toplevel")) != folder.parent:
            return None
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None

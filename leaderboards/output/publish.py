"""Publish boards and pictures into a folder, and check a folder against them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...benchmark.protocol.files import sweep, write_atomically

ENDINGS = (".md", ".csv", ".json", ".tex", ".svg", ".png", ".html", ".css", ".js")


def publish(content: Mapping[str, bytes], out: Path) -> list[Path]:
    """Write every file under `out`, each whole or not at all; returns the files written."""
    sweep(out)
    for path in content:
        write_atomically(out / path, content[path])
    return [out / path for path in content]


def check(content: Mapping[str, bytes], out: Path) -> list[str]:
    """What publishing would change under `out`, one line per file, among them files that it would not write."""
    found = {path.relative_to(out).as_posix(): path for path in sorted(out.rglob("*")) if path.suffix in ENDINGS}
    missing = [f"{path} is missing" for path in content if path not in found]
    differing = [f"{path} differs" for path in content if path in found and found[path].read_bytes() != content[path]]
    return sorted([*missing, *differing, *(f"{path} would not be written" for path in found if path not in content)])

"""Publish boards and pictures into a folder, and check a folder against the records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..benchmark.protocol.files import write_atomically
from ..benchmark.protocol.records import Record
from .pages import files

ENDINGS = (".md", ".csv", ".svg", ".png")


def publish(records: Sequence[Record], out: Path) -> list[Path]:
    """Write every board and picture under `out`, each file whole or not at all; returns the files written."""
    written = []
    for path, content in files(records).items():
        write_atomically(out / path, content)
        written.append(out / path)
    return written


def check(records: Sequence[Record], out: Path) -> list[str]:
    """What publishing would change under `out`, one line per file, among them boards that no record backs any more."""
    wanted = files(records)
    found = {path.relative_to(out).as_posix(): path for path in sorted(out.rglob("*")) if path.suffix in ENDINGS}
    missing = [f"{path} is missing" for path in wanted if path not in found]
    differing = [f"{path} differs" for path in wanted if path in found and found[path].read_bytes() != wanted[path]]
    return sorted([*missing, *differing, *(f"{path} has no records" for path in found if path not in wanted)])

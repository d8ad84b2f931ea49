"""What befalls files: one function of a path each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

Damage = Callable[[Path], object]


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def web_page(path: Path) -> None:
    """What a download service leaves when its quota is used up."""
    path.write_text("<html>quota exceeded</html>")


def removed(path: Path) -> None:
    path.unlink()


def npy(change: Callable[[np.ndarray], np.ndarray]) -> Damage:
    """An npy file with other content."""
    return lambda path: np.save(path, change(np.load(path)))


def png(change: Callable[[np.ndarray], np.ndarray]) -> Damage:
    """A PNG with other pixels."""
    return lambda path: Image.fromarray(change(np.asarray(Image.open(path)))).save(path, "PNG")


def swapped(other: str) -> Damage:
    """Another layer's file in its place; `other` is its path beside the folder of the first."""

    def damage(path: Path) -> None:
        path.write_bytes((path.parent.parent / other).read_bytes())

    return damage

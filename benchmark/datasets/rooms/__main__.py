"""Writes the evaluation split again: `python -m mtrbench.benchmark.datasets.rooms OUT.npz`."""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ...protocol.files import write_atomically
from .evaluation import SCENES, SIZE, drawn
from .labels import CLASSES


def main(arguments: list[str]) -> int:
    """Write the split to the one argument; print its digest and each class's share of the pixels."""
    if len(arguments) != 1:
        print("usage: python -m mtrbench.benchmark.datasets.rooms OUT.npz", file=sys.stderr)  # noqa: T201
        return 2
    target = Path(arguments[0])
    arrays: dict[str, Any] = drawn(range(SCENES), SIZE)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    write_atomically(target, content.getvalue())
    print(f"{hashlib.sha256(target.read_bytes()).hexdigest()}  {target}")  # noqa: T201
    shares = np.bincount(arrays["segmentation"].ravel(), minlength=len(CLASSES)) / arrays["segmentation"].size
    for name, share in zip(CLASSES, shares, strict=True):
        print(f"{name:10s}{share:7.2%}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
